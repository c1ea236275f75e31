-- needs: ends, memory, work
-- Leases of one process, whatever their work, last longer. A lease past its end that nobody took is still held.
-- ARGV: owner, lease ms, tokens
-- Gives the tokens that are lost.
local till, lost = now + tonumber(ARGV[4]), {}
local claims = {}
for i = 5, #ARGV do
  local claim, crm, object, id = string.match(ARGV[i], '^([^:]*):([^:]*):([^:]*):(.*)$')
  local f = redis.call('HMGET', K.record(crm, object, id), 's', 'owner', 'claim', 'lane')
  if f[1] == 'leased' and f[2] == ARGV[3] and f[3] == claim then
    redis.call('ZADD', K.leased(crm, object, f[4]), int(till), id)
    claims[claim] = true
  else
    lost[#lost + 1] = ARGV[i]
  end
end
for claim in pairs(claims) do
  redis.call('PEXPIRE', K.claim(claim), ENDED_MS)
end
return lost
