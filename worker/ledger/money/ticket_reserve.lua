-- needs: tickets, answers, suppressions
-- (none | released | kept over) -> reserved. A kept answer wins, then the state of the last ticket, then every budget
-- line takes the worst price or none does. A repeat with the same ticket and token gives 'granted' again.
-- Args: ticket, token, question, fields, price, provider, operation, owner, deadline (ms from now), keep (ms),
-- policy, patience (ms), index (crm, object, bucket, id), subjects (hashes of whom it is about, comma-separated), then
-- per line: name, cap for this lane, start, end (0 = none). Nothing is answered about who is on the suppression list.
local id, token, question, fields = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local price, provider, operation, owner = tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10]
local deadline, keep, policy, patience = now + ARGV[11], ARGV[12], ARGV[13], ARGV[14]
local crm, object, bucket, record = ARGV[15], ARGV[16], ARGV[17], ARGV[18]
local ref = record ~= '' and crm .. ':' .. object .. ':' .. record or ''
local LINES = 20
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

if suppressed(ARGV[19]) then
  return { 'suppressed' }
end
local raw = kept(question, fields)
if raw then
  noted()
  return { 'kept', raw }
end

local last = redis.call('HGET', K.question(question), 'ticket')
local again = tonumber(redis.call('HGET', K.question(question), 'again') or '0')
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
      waits(last) -- whatever its end tells is told to everybody who took it for a miss
    else
      noted()
    end
    return { 'missed' }
  end
end

if again > 0 then
  policy, final = 'never', '1' -- once is once
end
local lines = {}
for i = LINES, #ARGV, 4 do
  local name, cap, starts, ends = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  if now < starts or (ends > 0 and now >= ends) then
    return { 'stale' }
  end
  local used = redis.call('HMGET', K.budget(name), 'spent', 'reserved')
  if (used[1] or 0) + (used[2] or 0) + price > cap then
    return { 'budget', name, used[1] or '0' }
  end
  lines[#lines + 1] = name
end
local LINE_KEPT_MS, LINE_MOST_MS = 8640000000, 34560000000 -- 100 days past its end, which may be 400 days away
for i = LINES, #ARGV, 4 do
  local key = K.budget(ARGV[i])
  redis.call('HINCRBY', key, 'reserved', int(price))
  redis.call('PEXPIRE', key, int(math.min(math.max(0, ARGV[i + 3] - now), LINE_MOST_MS) + LINE_KEPT_MS))
end
total(provider, 'reserved', price)
redis.call('HSET', K.ticket(id), 'state', 'reserved', 'token', token, 'question', question, 'asker', ref,
  'owner', owner, 'deadline', int(deadline), 'price', int(price), 'provider', provider, 'operation', operation,
  'fields', fields, 'lines', table.concat(lines, '\n'), 'keep', keep, 'policy', policy, 'patience', patience, 'final', final)
redis.call('HSET', K.question(question), 'ticket', id)
redis.call('PERSIST', K.question(question))
redis.call('ZADD', K.tickets_open(), int(deadline), id)
noted()
return { 'granted' }
