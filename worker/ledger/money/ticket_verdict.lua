-- needs: ends, memory, work, tickets, waking
-- uncertain -> released when surely not charged, and the question may be asked once more; else it stays uncertain and
-- counts as a miss. A repeat, and a verdict on any other state, changes nothing. A verdict is charged, uncharged or
-- none.
-- args: id, verdict
local ticket = ticket_of(id)
if not ticket.state then
  return { 'refused', '0' }
end
if ticket.state == 'uncertain' then
  if verdict == 'uncharged' then
    local question = K.question(ticket.question)
    if redis.call('HGET', question, 'ticket') == id then
      redis.call('HINCRBY', question, 'again', 1)
      redis.call('PEXPIRE', question, ticket.keep)
    end
    redis.call('HSET', K.ticket(id), 'verdict', verdict)
    release(id, ticket, 'uncharged')
  else
    miss(id, ticket, verdict)
  end
end
return with_waiters(ended(id, ticket))
