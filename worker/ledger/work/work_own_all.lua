-- needs: begins, memory, work, figures
-- The run takes these records over as far as they are in the work and not dead; what the cap of another run has cut is
-- due again. Another person's run hears how many it has lost.
-- With `only_cut` (1) it takes those alone that a cap has cut. One that waits for its undo stays with the undo that asked
-- for it: the journal names an undo's changes by its run.
-- Gives how many.
-- args: crm, object, run, only_cut, ids[]
local taken, lost = 0, {}
for _, id in ipairs(ids) do
  local w = open_record(crm, object, id)
  local cut = is_cut(w)
  if w.f.s and w.f.s ~= 'dead' and not w.f.undo and (cut or only_cut ~= '1') then
    if by_person(w.f.run) and w.f.run ~= run then
      lost[w.f.run] = (lost[w.f.run] or 0) + 1
    end
    take(w, run, true)
    if cut then
      enter_due(w, now)
    end
    save(w)
    taken = taken + 1
  end
end
for other, records in pairs(lost) do
  count(other, 'taken|' .. crm .. '|' .. object, records)
  redis.call('PEXPIRE', K.run(other), RUN_MS)
end
return taken
