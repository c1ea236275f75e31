-- needs: memory, work, visit
-- A leased record keeps intents: changes about to be sent. The same text again is kept once.
-- `intents` has one per line.
-- Gives 1, or 0 when the lease is lost.
-- args: owner, token, intents
local w = held(owner, token, 'intend')
if not w then
  return 0
end
append(w, 'intents', intents)
save(w)
return 1
