-- needs: answers
-- Kept answers of many questions, and a note that they serve a record. Args: index key parts or '' (crm, object,
-- bucket, id), then the questions. Gives one kept answer or '' each. A repeat gives the same.
local index = ARGV[3] ~= '' and K.asked(ARGV[3], ARGV[4], ARGV[5])
local found = {}
for i = 7, #ARGV do
  local raw = redis.call('GET', K.answer(ARGV[i]))
  if facts(raw) then
    found[#found + 1] = raw
    if index then
      note(index, ARGV[6], ARGV[i])
    end
  else
    found[#found + 1] = ''
  end
end
return found
