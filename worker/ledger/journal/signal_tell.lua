-- needs: journal
-- A signal about a record goes to the journal once: again only when it says something else.
-- Gives 1 when it was new.
-- args: crm, object, id, run, digest, entry
local key = K.signals(crm, object)
if redis.call('HGET', key, id) == digest then
  return 0
end
redis.call('HSET', key, id, digest)
journal(crm, object, id, run, { entry })
return 1
