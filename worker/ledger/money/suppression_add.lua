-- needs: ends, suppressions
-- Entries go on the list; one that is on it stays as it is. A repeat changes nothing.
-- args: check, entries(name, text)
-- Gives how many are new, or -1 when the list was made with another key.
if unreadable(check) then
  return -1
end
redis.call('SET', K.suppressed_key(), check)
local new = 0
for name, text in entries() do
  new = new + redis.call('HSETNX', K.suppressed(), name, text)
end
return new
