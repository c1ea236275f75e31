-- needs: ends, work
-- Open changes of a record are replaced by fewer, unless its visit is under way or they have changed since the read.
-- `before` is the value read, `left` its replacement ('' = nothing).
-- Gives 1 when they were replaced.
-- args: crm, object, id, before, left
local w = open_record(crm, object, id)
if w.f.s == 'leased' or not w.f.s or w.f.intents ~= before then
  return 0
end
put(w, 'intents', left ~= '' and left or nil)
save(w)
return 1
