-- needs: tickets
-- reserved -> released if its owner is gone or its deadline has passed; sent -> uncertain past its deadline;
-- uncertain -> a miss if no verdict came in time. Gives counts and the refs to be made due.
-- args: owners[]
local alive = {}
for _, owner in ipairs(owners) do
  alive[owner] = true
end
local released, uncertain, missed = 0, 0, 0
local answer = { '0', '0', '0' }
local function wake(id, ticket)
  for _, ref in ipairs(waiters(id, ticket, true)) do
    answer[#answer + 1] = ref
  end
end
for _, id in ipairs(redis.call('ZRANGE', K.tickets_open(), 0, 4999)) do
  local ticket = hash(K.ticket(id))
  local over = ticket.state and tonumber(ticket.deadline) <= now
  if not ticket.state then
    redis.call('ZREM', K.tickets_open(), id)
  elseif ticket.state == 'reserved' and (over or not alive[ticket.owner]) then
    release(id, ticket, over and 'deadline' or 'owner gone')
    released = released + 1
    wake(id, ticket)
  elseif ticket.state == 'sent' and over then
    doubt(id, ticket, 'deadline')
    uncertain = uncertain + 1
    if not awaits_verdict(ticket) then
      wake(id, ticket)
    end
  end
end
local late = now - VERDICT_MS
for _, id in ipairs(redis.call('ZRANGE', K.tickets_verdicts(), 0, 999)) do
  local ticket = hash(K.ticket(id))
  if not ticket.state then
    redis.call('ZREM', K.tickets_verdicts(), id)
  elseif tonumber(ticket.since) <= late then
    miss(id, ticket, 'none')
    missed = missed + 1
    wake(id, ticket)
  end
end
answer[1], answer[2], answer[3] = int(released), int(uncertain), int(missed)
return answer
