-- needs: memory, work
-- Deferred or waiting -> due now, settled -> due past its fingerprint; a leased record that is deferred or put to
-- waiting afterwards is due at once.
-- ARGV: refs
-- Gives how many.
local woken = 0
for i = 3, #ARGV do
  woken = woken + wake(ARGV[i])
end
return woken
