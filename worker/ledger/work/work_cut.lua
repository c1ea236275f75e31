-- needs: ends, memory, work, visit, journal, figures
-- leased -> waiting, out of the person's run whose cap cut it: what it leaves unfilled is counted there. It goes on when
-- another run that a person starts takes it over, or at its time with the day's work that wants it too. Due at once, in
-- its run, when something came meanwhile that the visit has not seen. Repeated with the same token it gives the same
-- answer.
-- ARGV: owner, token, own ('keep' or its text), fingerprint, stamp and read_at of the last read, the day's run, when it
--       goes on with that, then entries, filled, unfilled and tally, each as count and values
-- Gives done, again (due at once) or lost.
local w, before = held(ARGV[3], ARGV[4], 'cut')
if not w then
  return before
end
local seen = { fingerprint = ARGV[6], stamp = tonumber(ARGV[7]), read_at = tonumber(ARGV[8]), look_at = 0 }
local day, till = ARGV[9], tonumber(ARGV[10])
local entries, filled, unfilled, tally, at
entries, at = list(11)
filled, at = list(at)
unfilled, at = list(at)
tally = list(at)
for _, entry in ipairs(entries) do
  journal(w.crm, w.object, w.id, w.f.run or '', entry)
end
count_visit(w, filled, unfilled)
count_tally(w, tally)
keep_own(w, ARGV[5])
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
count_cut(w, w.f.run, 1)
exonerate(w)
local answer = ended(w, 'cut', 'done')
leave(w)
follow(w, nil)
put(w, 's', 'waiting')
put(w, 'cut_by', w.f.run)
put(w, 'run', w.f.daily and day or '')
put(w, 'seen', int(seen.stamp) .. '|' .. int(seen.read_at) .. '|' .. seen.fingerprint)
redis.call('ZADD', K.waiting(w.crm, w.object, w.f.lane), int(now), w.id)
if w.f.daily then
  redis.call('ZADD', K.latest(), int(till), ref_of(w))
end
save(w)
return answer
