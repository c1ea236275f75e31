-- needs: ends, suppressions
-- Entries go on the list; one that is on it stays as it is. A repeat changes nothing.
-- ARGV: check, then per entry its hash and text
-- Gives how many are new, or -1 when the list was made with another key.
if unreadable(ARGV[3]) then
  return -1
end
redis.call('SET', K.suppressed_key(), ARGV[3])
local new = 0
for i = 4, #ARGV, 2 do
  new = new + redis.call('HSETNX', K.suppressed(), ARGV[i], ARGV[i + 1])
end
return new
