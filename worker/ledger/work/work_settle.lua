-- needs: ends, memory, work, visit, journal, figures, yields
-- leased -> settled, or due when something came meanwhile that the visit has not seen. With it, in one step: the
-- journal, the counters, what is remembered. Repeated with the same token it gives the same answer.
-- `left` is what stays blank, packed; `own` is 'keep' or its text.
-- `day` is set if the visit was about a part of the record only: its day's run goes on with the rest, where the day's
-- work wants the record too.
-- Gives done, again or lost.
-- args: owner, token, left, fingerprint, stamp, read_at, look_at, own, outcome, day, entries[], filled[], unfilled[],
--   tally[], yields[]
local w, before = held(owner, token, 'settle')
if not w then
  return before
end
local memory = {
  left = left, fingerprint = fingerprint,
  stamp = tonumber(stamp), read_at = tonumber(read_at), look_at = tonumber(look_at),
}

remember(w.crm, w.object, w.id, memory)
keep_own(w, own)
journal(w.crm, w.object, w.id, w.f.run or '', entries)
-- A visit that found nothing new did not look at the leftovers: the last visit's notes on them are still valid.
count_visit(w, filled, outcome ~= 'unchanged' and unfilled or nil)
count_outcome(w, outcome)
count_tally(w, tally)
count_yields(yields)

local woken = w.f.woken -- there is word of a lookup that this visit may have taken for a miss
local rest = day ~= '' and w.f.daily
if rest and not woken then
  local answer = ended(w, 'settle', 'again')
  leave(w)
  follow(w, nil)
  fresh(w)
  put(w, 'run', day)
  enter_due(w, now)
  return answer
end
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
