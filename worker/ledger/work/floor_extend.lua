-- needs: ends, memory, work
-- Leases of one process, of any work, are extended. A lease past its end that nobody took is still held.
-- Gives the tokens that are lost.
-- args: owner, lease_ms, tokens[]
local till, lost = now + lease_ms, {}
local claims = {}
for _, token in ipairs(tokens) do
  local claim, crm, object, id = string.match(token, '^([^:]*):([^:]*):([^:]*):(.*)$')
  local f = redis.call('HMGET', K.record(crm, object, id), 's', 'owner', 'claim', 'lane')
  if f[1] == 'leased' and f[2] == owner and f[3] == claim then
    redis.call('ZADD', K.leased(crm, object, f[4]), int(till), id)
    claims[claim] = true
  else
    lost[#lost + 1] = token
  end
end
for claim in pairs(claims) do
  redis.call('PEXPIRE', K.claim(claim), ENDED_MS)
end
return lost
