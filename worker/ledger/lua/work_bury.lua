-- needs: memory, work, visit, journal, figures, release
-- leased -> dead, with its reason, attempts and open intents. Repeated with the same token it gives the same answer.
-- ARGV: as parts/release.lua
-- Gives buried or lost.
local w, before = unfinished('bury')
if not w then
  return before
end
local answer = ended(w, 'bury', 'buried')
enter_dead(w, ARGV[5])
return answer
