-- Compares a vendor's clock of a moment ago with the ledger's. An offset other than the one that held at first by
-- more than STEP_MS means that one of the two clocks was set, or runs too fast or too slow: comparisons across that
-- moment prove nothing. Held against the first, not the last, since small steps add up.
-- Such a moment ends a stretch, and the next begins. Stretches are counted, since our times do not show what came before
-- which moment once our own clock was set back.
-- Gives the offset (ms, positive = ahead of ours), since when it has held (ms), and the number of the stretch.
-- A repeat gives its answer again.
-- args: vendor, time_ms
local STEP_MS = 8000 -- two readings are right to some seconds each
local key = K.clock(vendor)
local offset = time_ms - now
local held = redis.call('HMGET', key, 'offset', 'since', 'first', 'stretch')
local first = tonumber(held[3] or held[1] or '') -- an older version kept no first one
local since = tonumber(held[2] or '0')
local stretch = tonumber(held[4] or '0')
if not first or math.abs(offset - first) > STEP_MS then
  first, since, stretch = offset, now, stretch + 1
end
redis.call('HSET', key, 'offset', int(offset), 'since', int(since), 'first', int(first),
  'stretch', int(stretch))
return { int(offset), int(since), int(stretch) }
