-- needs: ends, work
-- Open changes of a record are replaced by fewer, unless its visit is under way or they are not what was read.
-- ARGV: crm, object, id, what was read, what is left ('' = nothing)
-- Gives 1 when they were replaced.
local w = open_record(ARGV[3], ARGV[4], ARGV[5])
if w.f.s == 'leased' or not w.f.s or w.f.intents ~= ARGV[6] then
  return 0
end
put(w, 'intents', ARGV[7] ~= '' and ARGV[7] or nil)
save(w)
return 1
