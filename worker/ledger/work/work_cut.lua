-- needs: ends, memory, work, visit, journal, figures
-- leased -> waiting, out of the person's run whose cap cut it: what it leaves unfilled is counted there. It goes on when
-- another run that a person starts takes it over, or at its time with the day's work that wants it too. Due at once, in
-- its run, when something came meanwhile that the visit has not seen. Repeated with the same token it gives the same
-- answer.
-- `own` is 'keep' or its text; fingerprint, stamp and read_at are those of the last read; `day` is the day's run, with
-- which it goes on at `till`. `why` is 'cap', which is counted as 'cut' until the record goes on, or another word, which
-- stays counted: then nothing is remembered of the visit, so that whoever looks next finds what it did not do, and the
-- day's work that wants the record goes on at once.
-- Gives done, again (due at once) or lost.
-- args: owner, token, why, own, fingerprint, stamp, read_at, day, till, entries[], filled[], unfilled[], tally[]
local w, before = held(owner, token, 'cut')
if not w then
  return before
end
local seen = { fingerprint = fingerprint, stamp = tonumber(stamp), read_at = tonumber(read_at), look_at = 0 }
journal(w.crm, w.object, w.id, w.f.run or '', entries)
count_visit(w, filled, unfilled)
count_tally(w, tally)
keep_own(w, own)
put(w, 'note', 'cap')
put(w, 'intents', nil)
local revisit = unseen(w, seen)
if revisit ~= '' or w.f.woken then
  if revisit == '!' then
    put(w, 'forced', '1')
  end
  exonerate(w)
  local answer = ended(w, 'cut', 'again')
  enter_due(w, now)
  return answer
end
count_let_go(w, w.f.run, why == 'cap' and 'cut' or why, 1)
exonerate(w)
local answer = ended(w, 'cut', 'done')
leave(w)
follow(w, nil)
if why ~= 'cap' and w.f.daily then
  fresh(w)
  put(w, 'run', day)
  enter_due(w, now)
  return answer
end
if why ~= 'cap' then
  local before = remembered(w.crm, w.object, w.id) or {stamp = 0, read_at = 0, look_at = 0, fingerprint = ''}
  remember(w.crm, w.object, w.id, before)
  enter_settled(w, true)
  return answer
end
put(w, 's', 'waiting')
put(w, 'cut_by', w.f.run)
put(w, 'run', w.f.daily and day or '')
put(w, 'seen', int(seen.stamp) .. '|' .. int(seen.read_at) .. '|' .. seen.fingerprint)
redis.call('ZADD', K.waiting(w.crm, w.object, w.f.lane), int(now), w.id)
if w.f.daily then
  redis.call('ZADD', K.latest(), till, ref_of(w))
end
save(w)
return answer
