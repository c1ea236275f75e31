-- needs: suppressions
-- args: check, hashes[]
-- Gives 'list' and 1 or 0 for each hash, or 'another' when the list was made with another key.
if unreadable(check) then
  return { 'another' }
end
local found = { 'list' }
local any = redis.call('EXISTS', K.suppressed()) == 1
for _, name in ipairs(hashes) do
  found[#found + 1] = any and redis.call('HEXISTS', K.suppressed(), name) or 0
end
return found
