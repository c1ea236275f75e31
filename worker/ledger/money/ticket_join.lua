-- needs: tickets, answers
-- Another record of the asker's process asks the same while the call is under way: it is an asker too, whom the end of
-- a ticket concerns as it does the first. A repeat changes nothing.
-- args: id, question, crm, object, bucket, record
local ref = crm .. ':' .. object .. ':' .. record
local ticket = hash(K.ticket(id))
note(K.asked(crm, object, bucket), record, question)
if standing(ticket) then
  for _, asker in ipairs(split(ticket.asker, '\n')) do
    if asker == ref then
      return 1
    end
  end
  redis.call('HSET', K.ticket(id), 'asker', ticket.asker == '' and ref or ticket.asker .. '\n' .. ref)
end
return 1
