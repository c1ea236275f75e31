-- needs: rate
-- Tightens a bucket by the vendor's own word. A window up to a minute is paced by us already and its headers reach 0
-- in ordinary use: there only an exhausted one holds, and briefly. `reset` are ms to the reset,
-- `seconds` the window's (0 = not said). A repeat changes nothing.
-- args: bucket, remaining, reset, seconds
local key = K.rate(bucket)
remaining, reset, seconds = tonumber(remaining), tonumber(reset), tonumber(seconds)
if reset <= 0 then
  return 0
end
local state = hash(key)
if seconds > 0 and seconds <= 60 then
  if remaining < 1 then
    local hold = now + math.min(reset, seconds * 100)
    redis.call('HSET', key, 'hold', int(math.max(tonumber(state.hold or '0'), hold)))
  end
  return 1
end
local left_until = tonumber(state.left_until or '0')
if now < left_until and now + reset < left_until + 1000 then
  remaining = math.min(remaining, tonumber(state.left)) -- the same period: ours counts calls still under way
end
redis.call('HSET', key, 'left', int(remaining), 'left_until', int(now + reset))
return 1
