-- needs: suppressions
-- args: check, hashes[]
-- Gives 'list' and 1 or 0 for each hash, 'nobody' if the list is empty, or 'another' if it was made with another key.
if unreadable(check) then
  return { 'another' }
end
if redis.call('EXISTS', K.suppressed()) == 0 then
  return { 'nobody' }
end
local found = { 'list' }
for _, name in ipairs(hashes) do
  found[#found + 1] = redis.call('HEXISTS', K.suppressed(), name)
end
return found
