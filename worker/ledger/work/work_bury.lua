-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> dead, with its reason, attempts and open intents. Repeated with the same token it gives the same answer.
-- Gives buried or lost.
-- args: owner, token, reason, intents, own, entries[], filled[], tally[]
local w, before = unfinished('bury', owner, token, reason, intents, own, entries, filled)
if not w then
  return before
end
count_tally(w, tally)
local answer = ended(w, 'bury', 'buried')
enter_dead(w, reason)
return answer
