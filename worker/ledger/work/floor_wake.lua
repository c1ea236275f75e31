-- needs: memory, work
-- Deferred or waiting -> due now, settled -> due past its fingerprint; a leased record that is deferred or put to
-- waiting afterwards is due at once.
-- Gives how many.
-- args: refs[]
local woken = 0
for _, ref in ipairs(refs) do
  woken = woken + wake(ref)
end
return woken
