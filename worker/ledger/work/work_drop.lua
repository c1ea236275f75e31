-- needs: ends, memory, work, journal
-- dead -> out of the work; open changes are journalled unchanged.
-- Gives 1, or 0 when it is not dead.
-- args: crm, object, id
local w = open_record(crm, object, id)
if w.f.s ~= 'dead' then
  return 0
end
journal(w.crm, w.object, w.id, w.f.run or '', split(w.f.intents, '\n'))
-- Nothing that happened before brings it back, neither a late event nor a sweep; the next change does.
local memory = remembered(w.crm, w.object, w.id) or {stamp = 0, look_at = 0, fingerprint = ''}
memory.stamp, memory.read_at = math.max(memory.stamp, now), now + 2000
remember(w.crm, w.object, w.id, memory)
enter_settled(w, true)
return 1
