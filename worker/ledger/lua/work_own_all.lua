-- needs: memory, work
-- The run takes these records over as far as they are in the work and not dead.
-- ARGV: crm, object, run, ids
-- Gives how many.
local taken = 0
for i = 6, #ARGV do
  local w = open_record(ARGV[3], ARGV[4], ARGV[i])
  if w.f.s and w.f.s ~= 'dead' then
    take(w, ARGV[5], true)
    save(w)
    taken = taken + 1
  end
end
return taken
