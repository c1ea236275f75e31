-- needs: memory, work, visit, journal, figures, release
-- leased -> due at a time; at once when it was woken meanwhile. No attempt is counted. Repeated with the same token it
-- gives the same answer.
-- ARGV: as parts/release.lua, then until
-- Gives done, again (due at once) or lost.
local w, at = unfinished('defer')
if not w then
  return at
end
return back(w, 'defer', tonumber(ARGV[at]), true)
