-- needs: journal
-- Entries leave the stream, a copy of it that is being made (erasure_rebuild), and the lists of their records. Again
-- for the same ones it changes nothing.
-- ARGV: per entry key, crm, object, id
-- Gives how many were in the journal.
local dropped = 0
for i = 3, #ARGV, 4 do
  redis.call('XDEL', K.journal_copy(), ARGV[i])
  if unlist(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) then
    dropped = dropped + 1
  end
end
return dropped
