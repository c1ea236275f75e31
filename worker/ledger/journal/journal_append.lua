-- needs: journal
-- Entries outside a visit, once per token.
-- Gives 1, or 0 when the token was used before.
-- args: token, crm, object, id, run, entries[]
if not redis.call('SET', K.once(token), '1', 'NX', 'PX', 600000) then
  return 0
end
journal(crm, object, id, run, entries)
return 1
