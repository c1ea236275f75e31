-- What a vendor's clock showed a moment ago, against the ledger's. An offset other than the one before it by more than
-- STEP_MS means that one of the two clocks was set: comparisons across that moment prove nothing.
-- Gives the offset (ms, positive = ahead of ours) and since when it has held (ms).
-- A repeat gives its answer again.
-- args: vendor, time_ms
local STEP_MS = 8000 -- two readings are right to some seconds each
local key = K.clock(vendor)
local offset = time_ms - now
local held = redis.call('HMGET', key, 'offset', 'since')
local since = tonumber(held[2] or '0')
if not held[1] or math.abs(offset - tonumber(held[1])) > STEP_MS then
  since = now
end
redis.call('HSET', key, 'offset', int(offset), 'since', int(since))
return { int(offset), int(since) }
