-- Tasks whose time has come are begun: by one caller, whoever asks first. A task comes again a period after it was begun
-- and done, or a time of its own after it was begun and not done; a time that lies ahead of now is not believed.
-- Gives the names begun.
-- args: tasks(name, period_ms, again_ms)
local begun = {}
for name, period_ms, again_ms in tasks() do
  local last = tonumber(redis.call('HGET', K.begun(), name) or '0')
  local done = tonumber(redis.call('HGET', K.done(), name) or '0')
  local pause = tonumber(done >= last and period_ms or again_ms)
  if last > now or now - last >= pause then
    redis.call('HSET', K.begun(), name, int(now))
    begun[#begun + 1] = name
  end
end
return begun
