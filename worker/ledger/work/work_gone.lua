-- needs: ends, memory, work, visit, journal, figures
-- leased -> settled and forgotten: the record is deleted or unreadable. Due again when something came meanwhile.
-- Repeated with the same token it gives the same answer.
-- Gives done, again or lost.
-- args: owner, token, outcome, entries[]
local w, before = held(owner, token, 'gone')
if not w then
  return before
end
journal(w.crm, w.object, w.id, w.f.run or '', entries)
count_visit(w, {}, {})
count_outcome(w, outcome)
redis.call('HDEL', K.memory(w.crm, w.object, bucket_of(w.id)), w.id)
redis.call('HDEL', K.own(w.crm, w.object, bucket_of(w.id)), w.id)
if w.f.revisit then
  local answer = ended(w, 'gone', 'again')
  fresh(w)
  enter_due(w, now)
  return answer
end
local answer = ended(w, 'gone', 'done')
enter_settled(w, false)
return answer
