-- needs: rate
-- How many paid calls pauses, rate and budget allow now. Changes nothing but forgotten counts. A budget line
-- whose time is over allows nothing (end 0 = none). `horizon` is in ms.
-- args: vendor, bucket, horizon, price, windows[], lines(name, cap, starts, ends)
horizon, price = tonumber(horizon), tonumber(price)
local state = hash(K.rate(bucket))
local room = 1000000
local why, whose = shut(targets_of(vendor, bucket))
if why == 'paused' then
  return 0
elseif why == 'outage' then
  room = now < tonumber(redis.call('HGET', K.rate(whose), 'probe_at') or '0') and 0 or 1
end
if tonumber(state.hold or '0') > now + horizon then
  return 0
end
for _, window in ipairs(read_windows(windows)) do
  if window.interval > 0 then
    local due = math.max(tonumber(state['tat:' .. window.name] or '0'), now)
    room = math.min(room, math.floor((now + horizon + window.slack - due) / window.interval) + 1)
  else
    local sum = counted(K.rate_window(bucket, window.name), window)
    room = math.min(room, window.calls - sum)
  end
end
if now < tonumber(state.left_until or '0') then
  room = math.min(room, tonumber(state.left))
end
for name, cap, starts, ends in lines() do
  if now < tonumber(starts) or (ends ~= '0' and now >= tonumber(ends)) then
    return 0
  end
  local used = redis.call('HMGET', K.budget(name), 'spent', 'reserved')
  local free = cap - (used[1] or 0) - (used[2] or 0)
  if price > 0 then
    room = math.min(room, math.floor(free / price))
  end
end
return math.max(0, room)
