-- needs: journal
-- Entries are replaced by others, which stand where the journal ends now. One whose key is not there any more is not
-- written a second time, so that a repeat changes nothing. A copy of the journal that is being made (erasure_rebuild)
-- is begun anew: it must never have held what is erased.
-- ARGV: per entry its key, crm, object, id, run and what replaces it
-- Gives how many were replaced.
local replaced = 0
for i = 3, #ARGV, 6 do
  local crm, object, id = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if unlist(ARGV[i], crm, object, id) then
    journal(crm, object, id, ARGV[i + 4], ARGV[i + 5])
    replaced = replaced + 1
  end
end
if replaced > 0 then
  redis.call('DEL', K.journal_copy())
end
return replaced
