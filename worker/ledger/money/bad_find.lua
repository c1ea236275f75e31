-- ARGV: hashes of handles
-- Gives 1 or 0 for each: whether a CRM has called that value bad.
local found = {}
local any = redis.call('EXISTS', K.bad()) == 1
for i = 3, #ARGV do
  found[#found + 1] = any and redis.call('HEXISTS', K.bad(), ARGV[i]) or 0
end
return found
