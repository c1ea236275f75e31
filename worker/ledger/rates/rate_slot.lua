-- needs: rate
-- Books the next slot of a bucket in all its windows, or takes nothing. Gives {wait in ms, the target it is a probe of}
-- or {-1, ms until it is worth asking (0 = no time known), why}. A repeat books another slot: one too many is safe.
-- Args: vendor, bucket, patience (ms), answered calls since the last slot, number of windows, windows.
local vendor, bucket, patience, worked = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local list = windows(8, tonumber(ARGV[7]))
local key = K.rate(bucket)
if worked > 0 then
  tally(key, worked, 0)
end

local refused, why, whose = refusal(vendor, bucket)
if refused then
  return refused
end

local state = hash(key)
local at, left_until = earliest(bucket, list, state)
if at - now > patience then
  return { '-1', int(math.ceil(at - now)), 'rate' }
end

for _, window in ipairs(list) do
  if window.interval > 0 then
    local due = math.max(tonumber(state['tat:' .. window.name] or '0'), at) + window.interval
    redis.call('HSET', key, 'tat:' .. window.name, string.format('%.3f', due))
  else
    local counts = K.rate_window(bucket, window.name)
    redis.call('HINCRBY', counts, int(math.floor(at / (window.ms / PARTS))), 1)
    redis.call('PEXPIRE', counts, int(window.ms * 2))
  end
end
if at < left_until then
  redis.call('HINCRBY', key, 'left', -1)
end
if why == 'outage' then
  probe(whose, at + 30000) -- no word of the probe by then: another may try
end
return { int(math.ceil(at - now)), whose or '' }
