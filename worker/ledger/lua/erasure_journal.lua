-- needs: journal
-- Entries of one record are replaced by others, which stand where the journal ends now. One whose key is not there any
-- more is not written a second time, so that a repeat changes nothing.
-- ARGV: crm, object, id, then per entry its key, run and what replaces it
-- Gives how many were replaced.
local crm, object, id, replaced = ARGV[3], ARGV[4], ARGV[5], 0
for i = 6, #ARGV, 3 do
  if redis.call('XDEL', K.journal(), ARGV[i]) == 1 then
    redis.call('LREM', K.journal_of(crm, object, id), 1, ARGV[i])
    journal(crm, object, id, ARGV[i + 1], ARGV[i + 2])
    replaced = replaced + 1
  end
end
return replaced
