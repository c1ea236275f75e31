-- What the unfinished ends of a visit (defer, wait, again, bury) have in common: the record, the journal, the counters.
-- ARGV: owner, token, reason, close intents, own ('keep' or its text), then entries and filled, each as count and
-- values.
-- Gives the record and where further arguments begin, or nil and the answer to give.
local function unfinished(step)
  local w, before = held(ARGV[3], ARGV[4], step)
  if not w then
    return nil, before
  end
  local entries, filled, at
  entries, at = list(8)
  filled, at = list(at)
  for _, entry in ipairs(entries) do
    journal(w.crm, w.object, w.id, w.f.run or '', entry)
  end
  count_visit(w, filled, nil)
  keep_own(w, ARGV[7])
  put(w, 'note', ARGV[5])
  if ARGV[6] == '1' then
    put(w, 'intents', nil)
  end
  return w, at
end

-- Back to due at `at`; asked for by a person meanwhile, or woken when `wakes`: at once.
local function back(w, step, at, wakes)
  local forced = w.f.revisit == '!'
  local at_once = forced or (wakes and w.f.woken ~= nil)
  if forced then
    put(w, 'forced', '1')
  end
  exonerate(w)
  local answer = ended(w, step, at_once and 'again' or 'done')
  enter_due(w, at_once and now or at)
  return answer
end
