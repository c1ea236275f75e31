-- needs: journal
-- Entries outside a visit, once per token.
-- ARGV: token, crm, object, id, run, entries
-- Gives 1, or 0 when the token was used before.
if not redis.call('SET', K.once(ARGV[3]), '1', 'NX', 'PX', 600000) then
  return 0
end
for i = 8, #ARGV do
  journal(ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[i])
end
return 1
