-- Counters of runs and of filled values; field names as worker/ledger/journal/figures.py reads them.
local RUN_MS = 190 * 86400000
local RECORDS_MS = 2 * 86400000

local function count(run, field, by)
  redis.call('HINCRBY', K.run(run), field, by)
end

-- A visit ended. `filled` is {field, provider, ...}; `unfilled` {field, reason, ...} or nil when that is still open.
-- In a run a person started, a record's new leftovers replace its earlier ones: gaps = filled + unfilled.
local function count_visit(w, filled, unfilled)
  local run = w.f.run or ''
  if run == '' then
    return
  end
  local work = w.crm .. '|' .. w.object
  local visits = redis.call('HINCRBY', K.run(run), 'visits|' .. work, 1)
  if visits == 1 and by_person(run) then
    redis.call('ZADD', K.runs(), int(now), run)
    redis.call('ZREMRANGEBYSCORE', K.runs(), '-inf', int(now - RUN_MS))
  end
  for i = 1, #filled, 2 do
    count(run, 'filled|' .. work .. '|' .. filled[i] .. '|' .. filled[i + 1], 1)
    redis.call('HINCRBY', K.filled(w.crm, w.object), filled[i] .. '|' .. filled[i + 1], 1)
  end
  redis.call('PEXPIRE', K.run(run), RUN_MS)
  if not unfilled then
    return
  end
  local first = true
  if by_person(run) then
    local key = K.run_records(run, w.crm, w.object, string.sub(bucket_of(w.id), 2))
    local before = redis.call('HGET', key, w.id) or redis.call('HGET', K.run_records_before(run), ref_of(w))
    first = not before
    local left = split(before or '', '|')
    for i = 1, #left, 2 do
      count(run, 'unfilled|' .. work .. '|' .. left[i] .. '|' .. left[i + 1], -1)
    end
    redis.call('HSET', key, w.id, table.concat(unfilled, '|'))
    redis.call('PEXPIRE', key, RECORDS_MS)
  end
  if first then
    count(run, 'records|' .. work, 1)
  end
  for i = 1, #unfilled, 2 do
    count(run, 'unfilled|' .. work .. '|' .. unfilled[i] .. '|' .. unfilled[i + 1], 1)
  end
end

local function count_outcome(w, outcome)
  if w.f.run and w.f.run ~= '' then
    count(w.f.run, 'outcome|' .. w.crm .. '|' .. w.object .. '|' .. outcome, 1)
  end
end

-- `tally` is {name, by, ...}.
local function count_tally(w, tally)
  if w.f.run and w.f.run ~= '' then
    for i = 1, #tally, 2 do
      count(w.f.run, 'tally|' .. w.crm .. '|' .. w.object .. '|' .. tally[i], tally[i + 1])
    end
  end
end
