-- Steps of a visit are refused to all but the lease's owner

-- Gives the leased record, or nil and the earlier answer of the same step ("lost" if there was none).
local function held(owner, token, step)
  local claim, crm, object, id = string.match(token, '^([^:]*):([^:]*):([^:]*):(.*)$')
  local w = open_record(crm, object, id)
  if w.f.s == 'leased' and w.f.owner == owner and w.f.claim == claim then
    return w
  end
  local ended = redis.call('HGET', K.claim(claim), id)
  local before, answer = string.match(ended or '', '^(%w+) (%w+)$')
  return nil, before == step and answer or 'lost'
end

-- Call before the record leaves the lease.
local function ended(w, step, answer)
  local key = K.claim(w.f.claim)
  redis.call('HSET', key, w.id, step .. ' ' .. answer)
  redis.call('PEXPIRE', key, ENDED_MS)
  return answer
end

-- A visit alone that ended in good order shows that the record does not crash its process.
local function exonerate(w)
  if w.f.alone then
    put(w, 'crashes', nil)
  end
end

-- Tells which events came during the visit that it has not seen: "", "*" or "!".
local function unseen(w, memory)
  local revisit = w.f.revisit
  if not revisit or revisit == '*' or revisit == '!' then
    return revisit or ''
  end
  local at = 1
  while at <= #revisit do
    local _, head, stamp, length = string.find(revisit, '^(%d+)|(%d+)|', at)
    at = head + tonumber(length) + 1
    if not known(memory, tonumber(stamp), string.sub(revisit, head + 1, at - 1)) then
      return '*'
    end
  end
  return ''
end

-- The record's next visit is a first one again.
local function fresh(w)
  for field in pairs(w.f) do
    if string.sub(field, 1, 6) == 'place:' then
      put(w, field, nil)
    end
  end
  put(w, 'forced', w.f.revisit == '!' and '1' or nil)
  put(w, 'reopen', w.f.reopen == 'asked' and 'asked' or nil)
  put(w, 'undo', string.match(w.f.undo or '', '^asked|.*$'))
  for _, field in ipairs({'attempts', 'crashes', 'note', 'intents'}) do
    put(w, field, nil)
  end
end
