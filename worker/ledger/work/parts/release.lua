-- Common part of a visit's unfinished ends (defer, wait, again, bury): the record, the journal, the counters.
-- `intents` is 'keep', or those that stay open. Gives the record, or nil and the answer to give.
local function unfinished(step, owner, token, reason, intents, own, entries, filled)
  local w, before = held(owner, token, step)
  if not w then
    return nil, before
  end
  journal(w.crm, w.object, w.id, w.f.run or '', entries)
  count_visit(w, filled, nil)
  keep_own(w, own)
  put(w, 'note', reason)
  if intents ~= 'keep' then
    put(w, 'intents', intents ~= '' and intents or nil)
  end
  return w
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
