-- One process at a time may renew the grant of a crm. Free, ended or ours: it is ours for so long. A new holder gets a
-- higher fence; the same owner keeps its own. Held by another: fence 0. Gives fence, ms until another's ends, the grant
-- kept last.
-- args: crm, owner, lease_ms
local key = K.grant(crm)
local held = hash(key)
local ends = tonumber(held['until'] or '0')
if held['owner'] and held['owner'] ~= owner and ends > now then
  return { '0', int(ends - now), '' }
end
local fence = tonumber(held['fence'] or '0')
if held['owner'] ~= owner or ends <= now then
  fence = fence + 1
end
redis.call('HSET', key, 'owner', owner, 'until', int(now + lease_ms), 'fence', int(fence))
return { int(fence), '0', held['grant'] or '' }
