-- What a vendor's clock showed a moment ago, against the ledger's. An offset other than the one that held at first by
-- more than STEP_MS means that one of the two clocks was set, or runs too fast or too slow: comparisons across that
-- moment prove nothing. Held against the first, not the last, since small steps add up.
-- Gives the offset (ms, positive = ahead of ours) and since when it has held (ms).
-- A repeat gives its answer again.
-- args: vendor, time_ms
local STEP_MS = 8000 -- two readings are right to some seconds each
local key = K.clock(vendor)
local offset = time_ms - now
local held = redis.call('HMGET', key, 'offset', 'since', 'first')
local first = tonumber(held[3] or held[1] or '') -- an older version kept no first one
local since = tonumber(held[2] or '0')
if not first or math.abs(offset - first) > STEP_MS then
  first, since = offset, now
end
redis.call('HSET', key, 'offset', int(offset), 'since', int(since), 'first', int(first))
return { int(offset), int(since) }
