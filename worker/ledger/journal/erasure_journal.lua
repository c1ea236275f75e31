-- needs: journal
-- Entries are replaced by others, which stand where the journal ends now. One whose key is not there any more is not
-- written a second time, so that a repeat changes nothing. A copy of the journal that is being made (erasure_rebuild)
-- is begun anew: it must never have held what is erased.
-- Gives how many were replaced.
-- args: entries(key, crm, object, id, run, text)
local replaced = 0
for key, crm, object, id, run, text in entries() do
  if unlist(key, crm, object, id) then
    journal(crm, object, id, run, { text })
    replaced = replaced + 1
  end
end
if replaced > 0 then
  redis.call('DEL', K.journal_copy())
end
return replaced
