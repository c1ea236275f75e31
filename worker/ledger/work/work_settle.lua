-- needs: ends, memory, work, visit, journal, figures, yields
-- leased -> settled, or due when something came meanwhile that the visit has not seen. With it, in one step: the
-- journal, the counters, what is remembered. Repeated with the same token it gives the same answer.
-- ARGV: owner, token, what stays blank with the fingerprint, stamp, read_at, look_at, own ('keep' or its text), outcome,
--       then entries, filled, unfilled, tally and yields, each as count and values
-- Gives done, again or lost.
local w, before = held(ARGV[3], ARGV[4], 'settle')
if not w then
  return before
end
local left, fingerprint = parted(ARGV[5])
local memory = {
  left = left, fingerprint = fingerprint,
  stamp = tonumber(ARGV[6]), read_at = tonumber(ARGV[7]), look_at = tonumber(ARGV[8]),
}
local own, outcome = ARGV[9], ARGV[10]
local entries, filled, unfilled, tally, yields, at
entries, at = list(11)
filled, at = list(at)
unfilled, at = list(at)
tally, at = list(at)
yields = list(at)

remember(w.crm, w.object, w.id, memory)
keep_own(w, own)
for _, entry in ipairs(entries) do
  journal(w.crm, w.object, w.id, w.f.run or '', entry)
end
-- Whoever found nothing new did not look what is left: what the last visit left unfilled still stands.
count_visit(w, filled, outcome ~= 'unchanged' and unfilled or nil)
count_outcome(w, outcome)
count_tally(w, tally)
count_yields(yields)

local woken = w.f.woken -- there is word of a lookup that this visit may have taken for a miss
if unseen(w, memory) == '' and not woken then
  local answer = ended(w, 'settle', 'done')
  enter_settled(w, true)
  return answer
end
local answer = ended(w, 'settle', 'again')
fresh(w)
if woken then
  put(w, 'forced', '1')
end
enter_due(w, now)
return answer
