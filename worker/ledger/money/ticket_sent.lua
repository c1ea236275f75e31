-- needs: tickets, epoch
-- reserved -> sent, once, ever: 1 for the first call before the deadline, 0 for every other, repeats too; -1 and nothing
-- done where this ledger is behind what the caller has seen of it (a backup, another Redis).
-- `generation`, `epoch_id` and `sent` are the epoch as the caller knows it (generation 0 = not at all).
-- Gives the answer, then generation, id and sent of the epoch.
-- args: id, token, generation, epoch_id, sent
local key = K.ticket(id)
local ticket = hash(key)
if behind(tonumber(generation), epoch_id, tonumber(sent)) then
  return { '-1', unpack(epoch()) }
end
if ticket.state ~= 'reserved' or ticket.token ~= token or now >= tonumber(ticket.deadline) then
  return { '0', unpack(epoch()) }
end
local alone = calm(ticket.provider) and '1' or '0'
local place = redis.call('HINCRBY', K.balance(ticket.provider), 'calls', 1)
local clock = redis.call('HMGET', K.clock(ticket.provider), 'offset', 'stretch')
redis.call('HSET', key, 'state', 'sent', 'sent', int(now), 'alone', alone, 'place', int(place), 'ahead', clock[1] or '0',
  'stretch', clock[2] or '0')
redis.call('HINCRBY', K.epoch(), 'sent', 1)
total(ticket.provider, 'reserved', -ticket.price)
total(ticket.provider, 'sent', ticket.price)
return { '1', unpack(epoch()) }
