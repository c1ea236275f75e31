-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> due after a while, with one more failed attempt; the 8th -> dead. Open intents stay unless closed. Repeated
-- with the same token it gives the same answer.
-- ARGV: as parts/release.lua, then after ms
-- Gives done, again (due at once), buried or lost.
local w, at = unfinished('again')
if not w then
  return at
end
put(w, 'attempts', int(number(w, 'attempts') + 1))
if number(w, 'attempts') >= BURY_AT then
  local answer = ended(w, 'again', 'buried')
  enter_dead(w, ARGV[5])
  return answer
end
return back(w, 'again', now + tonumber(ARGV[at]), false)
