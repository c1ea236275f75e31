-- needs: memory, work
-- waiting -> due and out of all queues: at most `wanted` for one provider, for as long as its credits and those of the
-- record's crm reach for what it needs; the live lane first, one crm after the other, each queue in order of place. A
-- crm whose first record needs more than is left waits. And whoever is past its at_latest, whatever it waits for.
-- At most once a second per provider unless the caller says otherwise.
-- `at_once` (1) goes past that, at most `most` are past their at_latest. Credits left, in all and to backfill, are given
-- for the provider (crm '') and for crms with a budget of their own.
-- Gives how many were admitted (0 when asked too soon), and 1 when more are past their at_latest.
-- args: provider, wanted, at_once, most, credits(crm, in_all, to_backfill)
local left, purses = tonumber(wanted), {}
for crm, in_all, to_backfill in credits() do
  purses[crm] = { tonumber(in_all), tonumber(to_backfill) }
end
most = tonumber(most)
local last = tonumber(redis.call('HGET', K.gates(), provider) or '0')
if at_once ~= '1' and now - last < 1000 and now >= last then
  return {0, 0}
end
redis.call('HSET', K.gates(), provider, int(now))
local admitted = 0

local function admit(w)
  enter_due(w, now)
  admitted = admitted + 1
end

local refs = redis.call('ZRANGEBYSCORE', K.latest(), '-inf', int(now), 'LIMIT', 0, most)
local overdue = #refs
for _, ref in ipairs(refs) do
  admit(open_ref(ref))
end

local function needed(w)
  local providers, needs = split(w.f.providers, ','), split(w.f.needs, ',')
  for i, name in ipairs(providers) do
    if name == provider then
      return math.max(1, tonumber(needs[i] or '1'))
    end
  end
  return 1
end

-- Takes a record's credits out of the provider's and its crm's purse, or out of none.
local function pays(w)
  local credits, backfill = needed(w), w.f.lane == 'backfill'
  local both = { purses[''], purses[w.crm] }
  for _, purse in pairs(both) do
    if purse[1] < credits or (backfill and purse[2] < credits) then
      return false
    end
  end
  for _, purse in pairs(both) do
    purse[1], purse[2] = purse[1] - credits, purse[2] - credits
  end
  return true
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
  local passed, at = 0, from
  while left > 0 and passed < #crms do
    local crm = crms[(at - 1) % #crms + 1]
    local first = redis.call('ZRANGE', K.queue(provider, lane, crm), 0, 0)[1]
    local object, id = string.match(first or '', '^([^:]*):(.*)$')
    local w = object and open_record(crm, object, id)
    if w and pays(w) then
      admit(w)
      left, passed, served = left - 1, 0, crm
    else
      passed = passed + 1
    end
    at = at + 1
  end
  if served ~= '' then
    redis.call('HSET', K.turns(), turn, served)
  end
end
return {admitted, overdue == most and 1 or 0}
