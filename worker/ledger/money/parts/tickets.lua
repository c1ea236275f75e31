-- A ticket is one attempt at one paid lookup: reserved -> sent -> stored | uncertain | released, and uncertain may
-- still become stored (late answer), released (verdict: not charged) or resolved (by a person).
-- Fields: state, token, question, asker (refs of one process, one a line), owner, deadline, price, provider, operation,
-- fields, lines, keep (ms), policy (never | once_if_uncharged), patience (ms from uncertain to verdict), sent, since,
-- verdict_at, verdict, cause, credits, late (the askers are woken too), final (asked again before), place and alone (see
-- below); of the provider's clock as it was sent: ahead (ms before ours) and stretch (see clock_heard).
-- An ended ticket stays for ENDED_MS, so that a repeated step gives its answer again. Of a stored one no more stays than
-- that takes: state, token, question, asker, price, credits and late, or where there is nobody to wake and no overrun to
-- tell, its name alone in K.tickets_stored.
--
-- K.balance(provider) holds two instants at which the provider gave its balance and no call was in flight: "told",
-- "spent", "at" of the last one, and the same with "base_" of the one it is compared with. "calls" counts calls sent; a
-- ticket's place is its number, "upto" that of the last call before the instant, and a ticket was alone when no other
-- call was in flight as it was sent. "doubted" is when a call last became uncertain: the provider may still be at it.
local ENDED_MS = 600000
local SETTLING_MS = 120000 -- after a call without an answer the balance may still move
local VERDICT_MS = 300000 -- after verdict_at minus patience: no verdict by then is a miss

local function stored_in(ms)
  return K.tickets_stored(int(math.floor(ms / ENDED_MS)))
end

-- A ticket as far as anything of it is kept; `token` is the asker's.
local function ticket_of(id, token)
  local ticket = hash(K.ticket(id))
  if not ticket.state then
    for ago = 0, ENDED_MS, ENDED_MS do
      if redis.call('SISMEMBER', stored_in(now - ago), id) == 1 then
        return { state = 'stored', token = token, asker = '', price = '0', credits = '0', late = '0' }
      end
    end
  end
  return ticket
end

-- Credits of a ticket on every line it was reserved on. A line that was dropped is not brought back.
local function book(lines, spent, reserved)
  for _, line in ipairs(split(lines, '\n')) do
    local key = K.budget(line)
    local booked = redis.call('HMGET', key, 'spent', 'reserved')
    if booked[1] or booked[2] then
      redis.call('HSET', key, 'spent', int((booked[1] or 0) + spent), 'reserved', int((booked[2] or 0) + reserved))
    end
  end
end

local function total(provider, name, credits)
  if credits ~= 0 then
    redis.call('HINCRBY', K.credits(provider), name, int(credits))
  end
end

-- Credits that were spent on a ticket's call: in the total, in the books of the day it was sent (by the provider's
-- clock, as its log has it), and before the instants of the balance that came after it.
local function spend(provider, operation, ticket, credits)
  if credits == 0 then
    return
  end
  local ahead = tonumber(ticket.ahead or redis.call('HGET', K.clock(provider), 'offset') or '0')
  local day = math.floor((tonumber(ticket.sent or int(now)) + ahead) / 86400000)
  total(provider, 'spent', credits)
  redis.call('HINCRBY', K.books(provider), int(day) .. '|' .. operation, int(credits))
  local upto = redis.call('HMGET', K.balance(provider), 'base_upto', 'upto')
  local place = ticket.place and tonumber(ticket.place) or math.huge
  if place <= tonumber(upto[1] or '0') then
    redis.call('HINCRBY', K.balance(provider), 'base_spent', int(credits))
  end
  if place <= tonumber(upto[2] or '0') then
    redis.call('HINCRBY', K.balance(provider), 'spent', int(credits))
  end
end

-- An instant of the balance, read while nothing was in flight.
local function balanced(provider, left)
  local key = K.balance(provider)
  local spent = redis.call('HGET', K.credits(provider), 'spent') or '0'
  local upto = redis.call('HGET', key, 'calls') or '0'
  redis.call('HSET', key, 'told', left, 'spent', spent, 'upto', upto, 'at', int(now))
  if redis.call('HEXISTS', key, 'base_at') == 0 then
    redis.call('HSET', key, 'base_told', left, 'base_spent', spent, 'base_upto', upto, 'base_at', int(now))
  end
end

-- Whether no call is in flight, and none without an answer is young.
local function calm(provider)
  local sent = tonumber(redis.call('HGET', K.credits(provider), 'sent') or '0')
  local doubted = tonumber(redis.call('HGET', K.balance(provider), 'doubted') or '0')
  return sent == 0 and now - doubted > SETTLING_MS
end

-- Refs to be made due: who met the open ticket, and its askers when they are not waiting for the outcome any more.
local function waiters(id, ticket, with_asker)
  for _, asker in ipairs(with_asker and split(ticket.asker, '\n') or {}) do
    redis.call('SADD', K.waiters(id), asker)
  end
  return redis.call('SMEMBERS', K.waiters(id))
end

-- Answers for an ended (or uncertain) ticket: state, overrun, refs.
local function ended(id, ticket)
  local over = math.max(0, tonumber(ticket.credits or '0') - tonumber(ticket.price))
  local answer = { ticket.state, int(ticket.state == 'stored' and over or 0) }
  for _, ref in ipairs(waiters(id, ticket, ticket.late == '1')) do
    answer[#answer + 1] = ref
  end
  return answer
end

-- Gives whether nothing stays of the question but how often it was asked again.
local function close(id, ticket)
  redis.call('ZREM', K.tickets_open(), id)
  if ticket.since then -- it was uncertain
    redis.call('ZREM', K.tickets_uncertain(), id)
    redis.call('ZREM', K.tickets_verdicts(), id)
  end
  redis.call('PEXPIRE', K.ticket(id), ENDED_MS)
  redis.call('PEXPIRE', K.waiters(id), ENDED_MS)
  local question = K.question(ticket.question)
  local held = redis.call('HMGET', question, 'ticket', 'again')
  if held[1] == id and held[2] then
    redis.call('HDEL', question, 'ticket')
    redis.call('PEXPIRE', question, ticket.keep)
  elseif held[1] == id then
    redis.call('DEL', question)
  end
  return held[2] and (held[1] == id or not held[1])
end

-- The credits counter of a live ticket.
local function standing(ticket)
  local state = ticket.state
  return (state == 'reserved' or state == 'sent' or state == 'uncertain') and state or nil
end

local function release(id, ticket, cause)
  local from = standing(ticket)
  if from then
    book(ticket.lines, 0, -ticket.price)
    total(ticket.provider, from, -ticket.price)
  end
  ticket.late = from == 'uncertain' and '1' or '0'
  ticket.state = 'released'
  redis.call('HSET', K.ticket(id), 'state', 'released', 'cause', cause, 'late', ticket.late)
  close(id, ticket)
end

-- The reservation stays booked. With policy once_if_uncharged a verdict is awaited, and waiters wait with it.
local function doubt(id, ticket, cause)
  total(ticket.provider, ticket.state, -ticket.price)
  total(ticket.provider, 'uncertain', ticket.price)
  redis.call('HSET', K.balance(ticket.provider), 'doubted', int(now))
  ticket.state, ticket.since = 'uncertain', int(now)
  redis.call('HSET', K.ticket(id), 'state', 'uncertain', 'cause', cause, 'since', ticket.since)
  redis.call('ZREM', K.tickets_open(), id)
  redis.call('ZADD', K.tickets_uncertain(), ticket.since, id)
  if ticket.policy == 'once_if_uncharged' then
    ticket.verdict_at = int(now + ticket.patience)
    redis.call('HSET', K.ticket(id), 'verdict_at', ticket.verdict_at)
    redis.call('ZADD', K.tickets_verdicts(), ticket.verdict_at, id)
  end
end

-- Ends the wait for a verdict; the credits stay booked and the ticket stays listed.
local function miss(id, ticket, verdict)
  ticket.verdict, ticket.late = verdict, '1'
  redis.call('HSET', K.ticket(id), 'verdict', verdict, 'late', '1')
  redis.call('ZREM', K.tickets_verdicts(), id)
end

local function awaits_verdict(ticket)
  return ticket.state == 'uncertain' and ticket.policy == 'once_if_uncharged' and not ticket.verdict
end
