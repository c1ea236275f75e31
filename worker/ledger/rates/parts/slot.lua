-- Takes the next slot of a bucket in all its windows: {wait in ms, the target it is a probe of}; or takes nothing and
-- gives {-1, ms until it is worth asking (0 = no time known), why}. No slot is of use before `ahead` ms.
local function next_slot(vendor, bucket, windows, ahead, patience)
  local refused, why, whose = refusal(vendor, bucket)
  if refused then
    return refused
  end

  local key = K.rate(bucket)
  local state = hash(key)
  local at, left_until = earliest(bucket, windows, state, ahead)
  if at - now > patience then
    return { '-1', int(math.ceil(at - now)), 'rate' }
  end

  for _, window in ipairs(windows) do
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
end
