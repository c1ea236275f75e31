-- Tasks whose time has come are begun: by one caller, whoever asks first. A task begun and not done comes again after
-- its period or the retry time, whichever is shorter; a time that lies ahead of now is not believed.
-- Gives the names begun.
-- args: retry_ms, tasks(name, period_ms)
local retry, begun = tonumber(retry_ms), {}
for name, period_ms in tasks() do
  local period = tonumber(period_ms)
  local last = tonumber(redis.call('HGET', K.begun(), name) or '0')
  local done = tonumber(redis.call('HGET', K.done(), name) or '0')
  local pause = done >= last and period or math.min(period, retry)
  if last > now or now - last >= pause then
    redis.call('HSET', K.begun(), name, int(now))
    begun[#begun + 1] = name
  end
end
return begun
