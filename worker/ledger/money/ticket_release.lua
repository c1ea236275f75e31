-- needs: ends, tickets
-- reserved | sent -> released: surely not charged, the reservation is given back. A repeat gives the same; every other
-- state stays and is named. Args: ticket, token, cause.
local id = ARGV[3]
local ticket = hash(K.ticket(id))
if not ticket.state or ticket.token ~= ARGV[4] then
  return { 'refused', '0' }
end
if ticket.state == 'reserved' or ticket.state == 'sent' then
  release(id, ticket, ARGV[5])
end
return ended(id, ticket)
