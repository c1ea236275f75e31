-- needs: begins, memory, work
-- due -> leased, live lane first. A record that crashed its process too often is given only to an owner that holds
-- nothing, and while it is visited its owner gets nothing else. A claim asked again gives the same leases again.
-- With a run only that run's records are given, in the order of their times.
-- Gives per record: id, lane, run, attempts, crashes, until, forced, intents, note, places, memory, own, reopen, undo
-- args: crm, object, owner, claim, wanted, holding, lease_ms, run
wanted, holding = tonumber(wanted), tonumber(holding)
local till = now + lease_ms
local claim_key = K.claim(claim)
local given = {}

local function give(w, ends)
  local places = {}
  for field, since in pairs(w.f) do
    local provider = string.match(field, '^place:(.+)$')
    if provider then
      places[#places + 1] = provider .. '=' .. since
    end
  end
  table.sort(places)
  local in_bucket = bucket_of(w.id)
  given[#given + 1] = {
    w.id, w.f.lane, w.f.run or '', number(w, 'attempts'), number(w, 'crashes'),
    ends, w.f.forced or '', w.f.intents or '', w.f.note or '',
    table.concat(places, ','), redis.call('HGET', K.memory(crm, object, in_bucket), w.id) or '',
    redis.call('HGET', K.own(crm, object, in_bucket), w.id) or '', w.f.reopen or '',
    string.match(w.f.undo or '', '|(.*)$') or '',
  }
end

local function lease(id, alone)
  local w = open_record(crm, object, id)
  leave(w)
  put(w, 's', 'leased')
  put(w, 'reopen', w.f.reopen and 'seen' or nil)
  put(w, 'undo', w.f.undo and string.gsub(w.f.undo, '^asked|', 'seen|') or nil)
  put(w, 'owner', owner)
  put(w, 'claim', claim)
  if alone then
    put(w, 'alone', '1')
    redis.call('HSET', K.alone(), owner, ref_of(w))
  end
  redis.call('ZADD', K.leased(crm, object, w.f.lane), int(till), id)
  follow(w, 0)
  save(w)
  redis.call('HSET', claim_key, id, '')
  give(w, int(till))
end

-- The first that is visited alone, of the run if one is asked for.
local function next_alone()
  local ids = redis.call('ZRANGEBYSCORE', K.due(crm, object, 'alone'), '-inf', int(now), 'LIMIT', 0, run == '' and 1 or 100)
  for _, id in ipairs(ids) do
    if run == '' or redis.call('HGET', K.record(crm, object, id), 'run') == run then
      return id
    end
  end
  return nil
end

if redis.call('EXISTS', claim_key) == 1 then
  local before = hash(claim_key)
  for id in pairs(before) do
    local w = open_record(crm, object, id)
    if w.f.s == 'leased' and w.f.claim == claim and w.f.owner == owner then
      give(w, redis.call('ZSCORE', K.leased(crm, object, w.f.lane), id))
    end
  end
  table.sort(given, function(a, b) return a[1] < b[1] end)
  return given
end
if paused(K.pause(crm)) or redis.call('HEXISTS', K.alone(), owner) == 1 then
  return given
end
if holding == 0 and wanted > 0 then
  local first = next_alone()
  if first then
    lease(first, true)
    wanted = 0
  end
end
if run == '' then
  for _, lane in ipairs(LANES) do
    if wanted > #given then
      local ids = redis.call('ZRANGEBYSCORE', K.due(crm, object, lane), '-inf', int(now), 'LIMIT', 0, wanted - #given)
      for _, id in ipairs(ids) do
        lease(id, false)
      end
    end
  end
elseif wanted > 0 then
  local alone = K.due(crm, object, 'alone')
  local count = redis.call('ZCARD', alone)
  local ids = redis.call('ZRANGEBYSCORE', K.open(crm, object, run), '(0', int(now), 'LIMIT', 0, wanted + count)
  for _, id in ipairs(ids) do
    if #given < wanted and not (count > 0 and redis.call('ZSCORE', alone, id)) then
      lease(id, false)
    end
  end
end
if #given > 0 then
  redis.call('PEXPIRE', claim_key, ENDED_MS)
end
return given
