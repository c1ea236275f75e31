-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> dead, with its reason, attempts and open intents. Repeated with the same token it gives the same answer.
-- ARGV: as parts/release.lua, then the tally as count and values
-- Gives buried or lost.
local w, at = unfinished('bury')
if not w then
  return at
end
count_tally(w, (list(at)))
local answer = ended(w, 'bury', 'buried')
enter_dead(w, ARGV[5])
return answer
