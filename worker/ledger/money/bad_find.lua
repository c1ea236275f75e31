-- Gives 1 or 0 for each hash of a handle: whether a CRM has called that value bad.
-- args: hashes[]
local found = {}
local any = redis.call('EXISTS', K.bad()) == 1
for i, name in ipairs(hashes) do
  found[i] = any and redis.call('HEXISTS', K.bad(), name) or 0
end
return found
