-- needs: memory, work, visit
-- A leased record keeps intents: changes about to be sent. The same text again is kept once.
-- ARGV: owner, token, intents (one per line)
-- Gives 1, or 0 when the lease is lost.
local w = held(ARGV[3], ARGV[4], 'intend')
if not w then
  return 0
end
append(w, 'intents', ARGV[5])
save(w)
return 1
