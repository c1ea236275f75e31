-- needs: journal
-- A signal about a record goes to the journal once: again only when it says something else.
-- ARGV: crm, object, id, run, digest, entry
-- Gives 1 when it was new.
local key = K.signals(ARGV[3], ARGV[4])
if redis.call('HGET', key, ARGV[5]) == ARGV[7] then
  return 0
end
redis.call('HSET', key, ARGV[5], ARGV[7])
journal(ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[8])
return 1
