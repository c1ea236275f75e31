-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> due at a time; a caller who names one long past has a clock that is behind, and would come back for ever at
-- once. At once when it was woken meanwhile. No attempt is counted. Repeated with the same token it gives the same
-- answer.
-- ARGV: as parts/release.lua, then until
-- Gives done, again (due at once) or lost.
local w, at = unfinished('defer')
if not w then
  return at
end
local till = tonumber(ARGV[at])
return back(w, 'defer', till > 0 and till < now - 5000 and now + 2000 or till, true)
