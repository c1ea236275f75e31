-- A sign-in at the page is tried: counted by address and in all, in windows that begin with their first try.
-- Gives 1, or 0 if there were too many: then nothing is counted, so that no stranger fills Redis with addresses.
-- args: address, window_ms, most_by_address, most_in_all
local names = {K.sign_in_tries(address), K.sign_in_tries('all')}
local most = {tonumber(most_by_address), tonumber(most_in_all)}
for i, name in ipairs(names) do
  if tonumber(redis.call('GET', name) or '0') >= most[i] then
    return 0
  end
end
for _, name in ipairs(names) do
  if redis.call('INCR', name) == 1 then
    redis.call('PEXPIRE', name, window_ms)
  end
end
return 1
