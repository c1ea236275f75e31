-- needs: memory, work, tickets, answers, waking, suppressions
-- reserved | sent | uncertain | released | resolved | (ticket forgotten) -> stored: the reply is kept and its credits
-- are settled. A paid reply is kept whatever the ticket's state. A repeat gives the same and settles nothing.
-- `reply` is packed, `left` the balance by its own figure ('' = unknown). An `unpriced` reply (1) does not show
-- its cost: it is kept, and the ticket becomes uncertain, so that nothing counts as spent that may not have been charged.
-- `subjects` are hashes of whom it is about, comma-separated: of who was put on the suppression list meanwhile no reply
-- is kept. `keep` is in ms.
-- args: id, token, question, fields, provider, operation, lines, price, credits, hit, keep, reply, left, unpriced,
--       subjects
local CHARGES_MS, TURN_MS, RING = 3600000, 600000, 8 -- as worker/ledger/money/charges.py reads them
price, credits, keep = tonumber(price), tonumber(credits), tonumber(keep)
local key = K.ticket(id)
local ticket = ticket_of(id, token)
local known = ticket.state ~= nil
if known and ticket.token ~= token then
  return { 'refused', '0' }
end
if ticket.state == 'stored' then
  return ended(id, ticket)
end
if not known then
  for slot = 0, OTHERS do
    local one = facts(redis.call('GET', slot_key(question, slot)))
    if one and one.ticket == id then
      return { 'stored', '0' }
    end
  end
  ticket = { question = question, lines = lines, price = int(price), provider = provider, asker = '' }
end

local from, asked = standing(ticket), tonumber(ticket.sent or '0')
unpriced = unpriced == '1' and from ~= nil
if unpriced then
  if from ~= 'uncertain' then
    redis.call('HSETNX', key, 'sent', int(now))
    doubt(id, ticket, 'unreadable')
  end
elseif from then
  book(ticket.lines, credits, -ticket.price)
  total(provider, from, -ticket.price)
  spend(provider, operation, ticket, credits)
else
  local before = ticket.state == 'resolved' and tonumber(ticket.credits or '0') or 0
  book(ticket.lines, credits - before, 0)
  spend(provider, operation, ticket, credits - before)
end
if left ~= '' and not unpriced and from == 'sent' and ticket.alone == '1' and calm(provider)
  and redis.call('HGET', K.balance(provider), 'calls') == ticket.place then
  balanced(provider, left) -- no other call was in flight from its first byte to its last
end
total(provider, 'overrun', math.max(0, unpriced and 0 or credits - ticket.price))
if credits > 0 and not unpriced then
  local charges = K.charges(provider, operation, int(math.floor(now / TURN_MS) % RING))
  local stretch = ticket.stretch or redis.call('HGET', K.clock(provider), 'stretch') or '0'
  local sent = asked > 0 and asked or now
  redis.call('RPUSH', charges, table.concat({ int(sent), int(now - sent), int(credits), stretch }, ' '))
  redis.call('PEXPIRE', charges, CHARGES_MS)
end

-- An answer that says as much and is a hit is not displaced by a later miss to the same.
local older = facts(redis.call('GET', K.answer(question)))
local forgotten = suppressed(subjects)
if not forgotten and not (older and older.hit == '1' and hit == '0' and serves(older.fields, fields)) then
  if older and not serves(fields, older.fields) then
    for slot = OTHERS, 1, -1 do
      if redis.call('EXISTS', slot_key(question, slot - 1)) == 1 then
        redis.call('RENAME', slot_key(question, slot - 1), slot_key(question, slot))
      end
    end
  end
  local head = table.concat({ int(now), int(now + keep), hit, id, provider, operation, fields }, ' ')
  redis.call('SET', K.answer(question), head .. '\n' .. reply, 'PX', int(keep))
end

if not known then
  return { 'stored', int(math.max(0, credits - price)) }
end
if unpriced then
  return ended(id, ticket)
end
ticket.late = (from == 'uncertain' or not from) and '1' or '0'
ticket.state, ticket.credits = 'stored', int(credits)
redis.call('DEL', key) -- the whole of it would weigh a kilobyte for as long as it stays
if ticket.late == '1' or credits > tonumber(ticket.price) or redis.call('EXISTS', K.waiters(id)) == 1 then
  redis.call('HSET', key, 'state', 'stored', 'token', ticket.token, 'question', ticket.question, 'asker', ticket.asker,
    'price', ticket.price, 'credits', ticket.credits, 'late', ticket.late)
else
  redis.call('SADD', stored_in(now), id)
  redis.call('PEXPIRE', stored_in(now), 2 * ENDED_MS)
end
if close(id, ticket) then
  redis.call('DEL', K.question(question))
end
return with_waiters(ended(id, ticket))
