-- A sign-in at the page is tried: counted by address and in all, in windows that begin with their first try.
-- ARGV: address, window ms, most by address, most in all
-- Gives 1, or 0 where there were too many: then nothing is counted, so that no stranger fills Redis with addresses.
local names = {K.sign_in_tries(ARGV[3]), K.sign_in_tries('all')}
for i, name in ipairs(names) do
  if tonumber(redis.call('GET', name) or '0') >= tonumber(ARGV[4 + i]) then
    return 0
  end
end
for _, name in ipairs(names) do
  if redis.call('INCR', name) == 1 then
    redis.call('PEXPIRE', name, ARGV[4])
  end
end
return 1
