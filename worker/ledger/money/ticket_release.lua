-- needs: ends, tickets
-- reserved | sent -> released: surely not charged, the reservation is given back. A repeat gives the same; every other
-- state stays and is named.
-- args: id, token, cause
local ticket = ticket_of(id, token)
if not ticket.state or ticket.token ~= token then
  return { 'refused', '0' }
end
if ticket.state == 'reserved' or ticket.state == 'sent' then
  release(id, ticket, cause)
end
return ended(id, ticket)
