-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> due at a time; a caller who names one long past has a clock that is behind, and would come back for ever at
-- once. At once when it was woken meanwhile. No attempt is counted. Repeated with the same token it gives the same
-- answer.
-- Gives done, again (due at once) or lost.
-- args: owner, token, reason, intents, own, until_ms, entries[], filled[]
local w, before = unfinished('defer', owner, token, reason, intents, own, entries, filled)
if not w then
  return before
end
local till = tonumber(until_ms)
return back(w, 'defer', till > 0 and till < now - 5000 and now + 2000 or till, true)
