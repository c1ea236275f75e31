-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> due after a while, with one more failed attempt; the 8th -> dead. Open intents stay unless closed. Repeated
-- with the same token it gives the same answer.
-- Gives done, again (due at once), buried or lost.
-- args: owner, token, reason, intents, own, after, entries[], filled[]
local w, before = unfinished('again', owner, token, reason, intents, own, entries, filled)
if not w then
  return before
end
put(w, 'attempts', int(number(w, 'attempts') + 1))
if number(w, 'attempts') >= BURY_AT then
  local answer = ended(w, 'again', 'buried')
  enter_dead(w, reason)
  return answer
end
return back(w, 'again', now + after, false)
