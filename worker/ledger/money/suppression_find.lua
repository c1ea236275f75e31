-- needs: suppressions
-- ARGV: check, hashes
-- Gives 'list' and 1 or 0 for each hash, or 'another' when the list was made with another key.
if unreadable(ARGV[3]) then
  return { 'another' }
end
local found = { 'list' }
local any = redis.call('EXISTS', K.suppressed()) == 1
for i = 4, #ARGV do
  found[#found + 1] = any and redis.call('HEXISTS', K.suppressed(), ARGV[i]) or 0
end
return found
