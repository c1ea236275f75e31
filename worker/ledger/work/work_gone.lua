-- needs: ends, memory, work, visit, journal, figures
-- leased -> settled and forgotten: the record is deleted or unreadable. Due again when something came meanwhile.
-- Repeated with the same token it gives the same answer.
-- ARGV: owner, token, outcome, then entries as count and values
-- Gives done, again or lost.
local w, before = held(ARGV[3], ARGV[4], 'gone')
if not w then
  return before
end
local entries = list(6)
for _, entry in ipairs(entries) do
  journal(w.crm, w.object, w.id, w.f.run or '', entry)
end
count_visit(w, {}, {})
count_outcome(w, ARGV[5])
redis.call('HDEL', K.memory(w.crm, w.object, bucket(w.id)), w.id)
redis.call('HDEL', K.own(w.crm, w.object, bucket(w.id)), w.id)
if w.f.revisit then
  local answer = ended(w, 'gone', 'again')
  fresh(w)
  enter_due(w, now)
  return answer
end
local answer = ended(w, 'gone', 'done')
enter_settled(w, false)
return answer
