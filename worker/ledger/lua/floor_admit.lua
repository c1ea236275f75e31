-- needs: memory, work
-- waiting -> due and out of all queues: at most `count` for one provider, the live lane first, one crm after the other,
-- each queue in order of place; and whoever is past its at_latest, whatever it waits for. At most once a second per
-- provider unless told otherwise.
-- ARGV: provider, count, past the gate, at most past at_latest
-- Gives how many were admitted (0 when asked too soon), and 1 when more are past their at_latest.
local provider, left = ARGV[3], tonumber(ARGV[4])
local last = tonumber(redis.call('HGET', K.gates(), provider) or '0')
if ARGV[5] ~= '1' and now - last < 1000 and now >= last then
  return {0, 0}
end
redis.call('HSET', K.gates(), provider, int(now))
local admitted = 0

local function admit(w)
  enter_due(w, now)
  admitted = admitted + 1
end

local refs = redis.call('ZRANGEBYSCORE', K.latest(), '-inf', int(now), 'LIMIT', 0, tonumber(ARGV[6]))
local overdue = #refs
for _, ref in ipairs(refs) do
  admit(open_ref(ref))
end

for _, lane in ipairs(LANES) do
  local crms = redis.call('SMEMBERS', K.queuers(provider))
  table.sort(crms)
  local turn = provider .. ':' .. lane
  local served = redis.call('HGET', K.turns(), turn) or ''
  local from = 1
  while from <= #crms and crms[from] <= served do
    from = from + 1
  end
  local empty, at = 0, from
  while left > 0 and empty < #crms do
    local crm = crms[(at - 1) % #crms + 1]
    local first = redis.call('ZRANGE', K.queue(provider, lane, crm), 0, 0)[1]
    if first then
      local object, id = string.match(first, '^([^:]*):(.*)$')
      admit(open_record(crm, object, id))
      left, empty, served = left - 1, 0, crm
    else
      empty = empty + 1
    end
    at = at + 1
  end
  if served ~= '' then
    redis.call('HSET', K.turns(), turn, served)
  end
end
return {admitted, overdue == tonumber(ARGV[6]) and 1 or 0}
