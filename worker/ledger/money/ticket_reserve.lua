-- needs: tickets, answers, suppressions
-- (none | released | kept over) -> reserved. A kept answer wins, then the state of the last ticket, then every budget
-- line takes the worst price or none does. A repeat with the same ticket and token gives 'granted' again.
-- Suppressed people get no answer. `deadline`, `keep` and `patience` are ms from now, `subjects`
-- the hashes of the question's person, comma-separated; a line's cap is that of the asker's lane, its end may be 0 (none).
-- args: id, token, question, fields, price, provider, operation, owner, deadline, keep, policy, patience,
--       crm, object, bucket, record, subjects, lines(name, cap, starts, ends)
price, deadline = tonumber(price), now + deadline
local ref = record ~= '' and crm .. ':' .. object .. ':' .. record or ''
local final = '0'

local function noted()
  if ref ~= '' then
    note(K.asked(crm, object, bucket), record, question)
  end
end

local function waits(ticket)
  if ref ~= '' then
    redis.call('SADD', K.waiters(ticket), ref)
    noted()
  end
end

if suppressed(subjects) then
  return { 'suppressed' }
end
local raw = kept(question, fields)
if raw then
  noted()
  return { 'kept', raw }
end

local before = redis.call('HMGET', K.question(question), 'ticket', 'again')
local last, again = before[1], tonumber(before[2] or '0')
local old = last and hash(K.ticket(last))
if old and old.state then
  if last == id and old.token == token then
    return old.state == 'reserved' and { 'granted' } or { 'busy', old.deadline }
  end
  if tonumber(old.deadline) <= now then
    if old.state == 'reserved' then
      release(last, old, 'deadline')
    elseif old.state == 'sent' then
      doubt(last, old, 'deadline')
    end
  end
  if old.state == 'reserved' or old.state == 'sent' then
    waits(last)
    return { 'busy', old.deadline }
  end
  if (old.state == 'uncertain' or old.state == 'resolved') and now < old.sent + old.keep then
    if awaits_verdict(old) then
      local till = old.since + VERDICT_MS
      if now < till then
        waits(last)
        return { 'unknown', int(till), old.verdict_at }
      end
      miss(last, old, 'none')
    end
    if old.state == 'uncertain' then
      waits(last) -- whatever its end tells reaches everybody who took it for a miss
    else
      noted()
    end
    return { 'missed' }
  end
end

if again > 0 then
  policy, final = 'never', '1' -- once is once
end
local names, is_new = {}, {}
for name, cap, starts, ends in lines() do
  if now < tonumber(starts) or (ends ~= '0' and now >= tonumber(ends)) then
    return { 'stale' }
  end
  local used = redis.call('HMGET', K.budget(name), 'spent', 'reserved')
  if (used[1] or 0) + (used[2] or 0) + price > tonumber(cap) then
    return { 'budget', name, used[1] or '0' }
  end
  names[#names + 1] = name
  is_new[name] = not (used[1] or used[2])
end
local LINE_KEPT_MS, LINE_MOST_MS = 8640000000, 34560000000 -- 100 days past its end, which may be 400 days away
for name, _, _, ends in lines() do
  local key = K.budget(name)
  redis.call('HINCRBY', key, 'reserved', int(price))
  if is_new[name] or ends == '0' then -- one without an end stays as long after its last use
    redis.call('PEXPIRE', key, int(math.min(math.max(0, ends - now), LINE_MOST_MS) + LINE_KEPT_MS))
  end
end
total(provider, 'reserved', price)
redis.call('HSET', K.ticket(id), 'state', 'reserved', 'token', token, 'question', question, 'asker', ref,
  'owner', owner, 'deadline', int(deadline), 'price', int(price), 'provider', provider, 'operation', operation,
  'fields', fields, 'lines', table.concat(names, '\n'), 'keep', keep, 'policy', policy, 'patience', patience, 'final', final)
redis.call('HSET', K.question(question), 'ticket', id)
if last or again > 0 then
  redis.call('PERSIST', K.question(question))
end
redis.call('ZADD', K.tickets_open(), int(deadline), id)
noted()
return { 'granted' }
