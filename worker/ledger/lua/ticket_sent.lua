-- needs: tickets
-- reserved -> sent, once, ever: 1 for the first call before the deadline, 0 for every other, repeats too.
-- Args: ticket, token.
local key = K.ticket(ARGV[3])
local ticket = hash(key)
if ticket.state ~= 'reserved' or ticket.token ~= ARGV[4] or now >= tonumber(ticket.deadline) then
  return 0
end
redis.call('HSET', key, 'state', 'sent', 'sent', int(now))
total(ticket.provider, 'reserved', -ticket.price)
total(ticket.provider, 'sent', ticket.price)
return 1
