-- needs: answers
-- Kept answers of many questions, and a note that they serve a record ('' = none). Gives one kept answer or '' each. A
-- repeat gives the same.
-- args: crm, object, bucket, record, questions[]
local index = crm ~= '' and K.asked(crm, object, bucket)
local found = {}
for _, question in ipairs(questions) do
  local raw = redis.call('GET', K.answer(question))
  if facts(raw) then
    found[#found + 1] = raw
    if index then
      note(index, record, question)
    end
  else
    found[#found + 1] = ''
  end
end
return found
