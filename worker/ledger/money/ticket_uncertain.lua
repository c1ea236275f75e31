-- needs: ends, tickets
-- reserved | sent -> uncertain: it may have been charged, the reservation stays booked. Its waiters are woken at
-- once, or with policy once_if_uncharged at its verdict. A repeat gives the same; every other state stays and is named.
-- `policy` '' is that of the reservation, `patience` are ms from now to the verdict.
-- args: id, token, cause, policy, patience
local ticket = ticket_of(id, token)
if not ticket.state or ticket.token ~= token then
  return { 'refused', '0' }
end
if ticket.state == 'reserved' or ticket.state == 'sent' then
  if policy ~= '' and ticket.final ~= '1' then
    ticket.policy, ticket.patience = policy, patience
    redis.call('HSET', K.ticket(id), 'policy', policy, 'patience', patience)
  end
  if ticket.state == 'reserved' then
    redis.call('HSET', K.ticket(id), 'sent', int(now))
  end
  doubt(id, ticket, cause)
end
if awaits_verdict(ticket) then
  return { ticket.state, '0' }
end
return ended(id, ticket)
