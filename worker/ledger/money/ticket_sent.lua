-- needs: tickets, epoch, rate, slot
-- hasty: a place among the provider's calls waits for it
-- reserved -> sent, once, ever: 1 for the first call before the deadline, 0 for every other, repeats too; -1 and nothing
-- done if this ledger is behind the state that the caller has seen (a backup, another Redis).
-- With a `bucket` of `vendor` the call's slot is taken in the same step, within `patience` ms, as rate_slot does it for
-- one: if it is not SOON, the answer is 2 and the ticket stays reserved. A repeat of a step that sent books nothing.
-- `generation`, `epoch_id` and `sent` are the epoch as the caller knows it (generation 0 = not at all).
-- Gives the answer, then generation, id and sent of the epoch, and if a slot was asked for the time (ms) and the slot.
-- args: id, token, generation, epoch_id, sent, vendor, bucket, worked, patience, windows[]
local SOON = 20 -- ms: about the duration of a round trip to Redis, so that hardly anybody waits for it afterwards
local key = K.ticket(id)
local ticket = hash(key)
local life = epoch()
if behind(life, tonumber(generation), epoch_id, tonumber(sent)) then
  return { '-1', unpack(life) }
end
if ticket.state ~= 'reserved' or ticket.token ~= token or now >= tonumber(ticket.deadline) then
  return { '0', unpack(life) }
end

local slot = {}
if bucket ~= '' then
  if tonumber(worked) > 0 then
    tally(K.rate(bucket), tonumber(worked), 0)
  end
  slot = next_slot(vendor, bucket, read_windows(windows), 0, tonumber(patience))
  if tonumber(slot[1]) < 0 or tonumber(slot[1]) > SOON then
    return { '2', life[1], life[2], life[3], int(now), slot }
  end
end

local alone = calm(ticket.provider) and '1' or '0'
local place = redis.call('HINCRBY', K.balance(ticket.provider), 'calls', 1)
local clock = redis.call('HMGET', K.clock(ticket.provider), 'offset', 'stretch')
redis.call('HSET', key, 'state', 'sent', 'sent', int(now), 'alone', alone, 'place', int(place), 'ahead', clock[1] or '0',
  'stretch', clock[2] or '0')
life[3] = int(redis.call('HINCRBY', K.epoch(), 'sent', 1))
total(ticket.provider, 'reserved', -ticket.price)
total(ticket.provider, 'sent', ticket.price)
return { '1', life[1], life[2], life[3], int(now), slot }
