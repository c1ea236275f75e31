-- needs: ends, memory, work, tickets, waking
-- uncertain -> resolved, by a person: its credits count as spent (charged = 1) or are given back, and with again = 1
-- the question may be asked again. A repeat changes nothing.
-- args: id, again, charged
local ticket = ticket_of(id)
if not ticket.state then
  return { 'refused', '0' }
end
if ticket.state == 'uncertain' then
  local credits = charged == '1' and tonumber(ticket.price) or 0
  book(ticket.lines, credits, -ticket.price)
  total(ticket.provider, 'uncertain', -ticket.price)
  spend(ticket.provider, ticket.operation, ticket, credits)
  ticket.state, ticket.late = 'resolved', '1'
  redis.call('HSET', K.ticket(id), 'state', 'resolved', 'credits', int(credits), 'late', '1')
  redis.call('ZREM', K.tickets_uncertain(), id)
  redis.call('ZREM', K.tickets_verdicts(), id)
  if again == '1' then
    close(id, ticket)
  else
    local left = int(math.max(ENDED_MS, ticket.sent + ticket.keep - now)) -- the question stays a miss until then
    redis.call('PEXPIRE', K.ticket(id), left)
    redis.call('PEXPIRE', K.question(ticket.question), left)
    redis.call('PEXPIRE', K.waiters(id), ENDED_MS)
  end
end
return with_waiters(ended(id, ticket))
