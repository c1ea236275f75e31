-- needs: journal
-- Entries leave the stream, a copy of it that is being made (erasure_rebuild), and the lists of their records. Again
-- for the same ones it changes nothing.
-- Gives how many were in the journal.
-- args: entries(key, crm, object, id)
local dropped = 0
for key, crm, object, id in entries() do
  redis.call('XDEL', K.journal_copy(), key)
  if unlist(key, crm, object, id) then
    dropped = dropped + 1
  end
end
return dropped
