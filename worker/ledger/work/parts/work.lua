-- Work: a record is in exactly one of due, leased, waiting, dead, or it is settled (no record hash).
--
--   add ──> due ──claim──> leased ──settle, gone, move──> settled
--            ^               │ defer, again, reap, revisit -> due     bury, 8th again, crash alone -> dead
--            └──admit, add, wake── waiting <──wait           dead ──replay──> due
--
-- Fields of the record hash (K.record):
--   s         due | leased | waiting | dead
--   lane      live | backfill
--   run       whose figures and cap it counts towards
--   daily     "1": the day's work wants it too, whatever a person's run leaves of it
--   attempts, crashes, forced ("1": past the fingerprint)
--   reopen    asked | seen (by the visit that holds or held the lease): open refused fields again
--   undo      asked|keys or seen|keys, as reopen: journal keys of the changes that the visit takes back
--   owner, claim, alone       while leased
--   revisit   while leased: what was added meanwhile, "*" always, "!" always and forced, else
--             "stamp|length|fingerprint" in a row
--   woken     while leased: a ticket it may be about to wait for has ended
--   providers, needs, seen    while waiting: the providers, credits needed there; stamp, read_at and fingerprint of
--             its last read
--   cut_by    while waiting: the person's run whose cap cut it. It waits for no provider, but for the next such run.
--   place:<p> since when it queues for provider p, kept until it is settled
--   intents   open intents, one JSON text per line; late: those that came by a move while it was leased, together
--             with a revisit
--   note      reason of the last defer, wait, again or bury

local LANES = {'live', 'backfill'}
local ALONE_AFTER = 3
local BURY_AT = 8
local ENDED_MS = 90000

-- ---- one record

local function open_record(crm, object, id)
  local key = K.record(crm, object, id)
  return {crm = crm, object = object, id = id, key = key, f = hash(key), dirty = {}}
end

local function open_ref(ref)
  local crm, object, id = string.match(ref, '^([^:]*):([^:]*):(.*)$')
  return open_record(crm, object, id)
end

local function ref_of(w)
  return w.crm .. ':' .. w.object .. ':' .. w.id
end

local function put(w, field, value)
  if w.f[field] ~= value then
    w.f[field] = value
    w.dirty[field] = true
  end
end

local function save(w)
  local set, del = {}, {}
  for field in pairs(w.dirty) do
    if w.f[field] then
      set[#set + 1] = field
      set[#set + 1] = w.f[field]
    else
      del[#del + 1] = field
    end
  end
  if #set > 0 then
    redis.call('HSET', w.key, unpack(set))
  end
  if #del > 0 then
    redis.call('HDEL', w.key, unpack(del))
  end
  w.dirty = {}
end

local function number(w, field)
  return tonumber(w.f[field] or '0')
end

local function append(w, field, lines)
  if lines and lines ~= '' then
    local have = w.f[field]
    local seen = {}
    for _, line in ipairs(split(have, '\n')) do
      seen[line] = true
    end
    for _, line in ipairs(split(lines, '\n')) do
      if not seen[line] then
        have = have and have ~= '' and (have .. '\n' .. line) or line
        seen[line] = true
      end
    end
    put(w, field, have)
  end
end

local function due_lane(w)
  return number(w, 'crashes') >= ALONE_AFTER and 'alone' or w.f.lane
end

-- ---- runs: those a person started are followed record by record

local function by_person(run)
  return run and run ~= '' and string.sub(run, 1, 4) ~= 'day-'
end

-- Scores: 0 while leased, when it is due, and infinite while it waits.
local function follow(w, score)
  if by_person(w.f.run) then
    local key = K.open(w.crm, w.object, w.f.run)
    if score then
      redis.call('ZADD', key, score, w.id)
    else
      redis.call('ZREM', key, w.id)
    end
  end
end

local function due_score(at)
  return int(math.max(1, at))
end

local function is_daily(run)
  return run and run ~= '' and not by_person(run)
end

-- A person's run takes a record over from any other; a day's run only when nobody has it. One that waits for its undo
-- stays with the undo that asked for it: the journal names the changes of an undo by its run.
local function take(w, run, always)
  if w.f.run == run or (w.f.undo and not always) then
    return
  end
  if is_daily(run) or is_daily(w.f.run) then
    put(w, 'daily', '1')
  end
  if not (always or by_person(run) or not w.f.run or w.f.run == '') then
    return
  end
  follow(w, nil)
  put(w, 'run', run)
  if w.f.s == 'leased' then
    follow(w, 0)
  elseif w.f.s == 'due' then
    follow(w, due_score(redis.call('ZSCORE', K.due(w.crm, w.object, due_lane(w)), w.id)))
  elseif w.f.s == 'waiting' then
    follow(w, '+inf')
  end
end

local function is_cut(w)
  return w.f.cut_by ~= nil
end

-- By how much more records a run has let go: 'cut' are those that its cap keeps from being finished.
local function count_let_go(w, run, name, by)
  if redis.call('EXISTS', K.run(run)) == 1 then
    redis.call('HINCRBY', K.run(run), 'tally|' .. w.crm .. '|' .. w.object .. '|' .. name, by)
  end
end

-- ---- leaving one place, entering the next

local function leave(w)
  local s = w.f.s
  if s == 'due' then
    redis.call('ZREM', K.due(w.crm, w.object, due_lane(w)), w.id)
  elseif s == 'leased' then
    redis.call('ZREM', K.leased(w.crm, w.object, w.f.lane), w.id)
    if w.f.alone then
      redis.call('HDEL', K.alone(), w.f.owner)
    end
    append(w, 'intents', w.f.late)
    put(w, 'forced', w.f.woken and '1' or w.f.forced)
    for _, field in ipairs({'owner', 'claim', 'alone', 'revisit', 'woken', 'late'}) do
      put(w, field, nil)
    end
  elseif s == 'waiting' then
    redis.call('ZREM', K.waiting(w.crm, w.object, w.f.lane), w.id)
    for _, provider in ipairs(split(w.f.providers, ',')) do
      redis.call('ZREM', K.queue(provider, w.f.lane, w.crm), w.object .. ':' .. w.id)
    end
    redis.call('ZREM', K.latest(), ref_of(w))
    put(w, 'providers', nil)
    put(w, 'needs', nil)
    put(w, 'seen', nil)
    if is_cut(w) then
      count_let_go(w, w.f.cut_by, 'cut', -1)
      put(w, 'cut_by', nil)
    end
  elseif s == 'dead' then
    redis.call('ZREM', K.dead(w.crm, w.object), w.id)
  end
end

local function enter_due(w, at)
  leave(w)
  put(w, 's', 'due')
  redis.call('ZADD', K.due(w.crm, w.object, due_lane(w)), int(at), w.id)
  follow(w, due_score(at))
  save(w)
end

local function enter_dead(w, reason)
  leave(w)
  put(w, 's', 'dead')
  put(w, 'note', reason)
  redis.call('ZADD', K.dead(w.crm, w.object), int(now), w.id)
  follow(w, nil)
  save(w)
end

-- Out of the work. The record counts as settled when it is remembered.
local function enter_settled(w, is_remembered)
  leave(w)
  follow(w, nil)
  redis.call('DEL', w.key)
  if is_remembered then
    redis.call('INCR', K.settled(w.crm, w.object))
  end
end

local function create(w, lane, run, is_remembered)
  redis.call('SADD', K.works(), w.crm .. ':' .. w.object)
  if is_remembered then
    redis.call('DECR', K.settled(w.crm, w.object))
  end
  put(w, 'lane', lane)
  put(w, 'run', run)
  enter_due(w, now)
end

local function raise_lane(w, lane)
  if lane == 'live' and w.f.lane == 'backfill' then
    local s = w.f.s
    local place = s == 'due' and due_lane(w) ~= 'alone' and K.due or s == 'leased' and K.leased
    put(w, 'lane', 'live')
    if place then
      local score = redis.call('ZSCORE', place(w.crm, w.object, 'backfill'), w.id)
      redis.call('ZREM', place(w.crm, w.object, 'backfill'), w.id)
      redis.call('ZADD', place(w.crm, w.object, 'live'), score, w.id)
    end
  end
end

-- ---- add: asks for one look at a record. Gives added, coalesced or ignored.

local function add(crm, object, id, lane, run, forced, stamp, fingerprint, read_at)
  local w = open_record(crm, object, id)
  local s = w.f.s
  if s == 'dead' then
    return 'ignored'
  end
  if s == 'leased' then
    local revisit = w.f.revisit or ''
    if forced then
      revisit = '!'
    elseif revisit ~= '!' and revisit ~= '*' then
      local bound = stamp == 0 and fingerprint == '' or #revisit > 1000
      revisit = bound and '*' or (revisit .. int(stamp) .. '|' .. #fingerprint .. '|' .. fingerprint)
    end
    put(w, 'revisit', revisit)
    raise_lane(w, lane)
    take(w, run)
    save(w)
    return 'coalesced'
  end
  if s == 'due' then
    raise_lane(w, lane)
    take(w, run)
    if forced then
      put(w, 'forced', '1')
      enter_due(w, now)
    end
    save(w)
    return 'coalesced'
  end
  if s == 'waiting' then
    local a, b, c = string.match(w.f.seen or '', '^(%d+)|(%d+)|(.*)$')
    local seen = {stamp = tonumber(a or '0'), read_at = tonumber(b or '0'), look_at = 0, fingerprint = c or ''}
    if not forced and known(seen, stamp, fingerprint) and not (is_cut(w) and by_person(run)) then
      if by_person(w.f.run) and is_daily(run) then -- a plan's visit looks at a part, the day's run at the rest
        put(w, 'daily', '1')
        save(w)
      end
      return 'ignored'
    end
    leave(w)
    put(w, 's', nil)
    if lane == 'live' then
      put(w, 'lane', 'live')
    end
    if forced then
      put(w, 'forced', '1')
    end
    take(w, run)
    enter_due(w, now)
    return 'coalesced'
  end
  local memory = remembered(crm, object, id)
  if memory and not forced and known(memory, stamp, fingerprint) then
    if fingerprint ~= '' and fingerprint == memory.fingerprint and read_at > 0 and stamp > memory.stamp then
      memory.stamp = stamp
      memory.read_at = read_at
      remember(crm, object, id, memory)
    end
    return 'ignored'
  end
  if forced then
    put(w, 'forced', '1')
  elseif lane == 'live' and by_person(run) then
    put(w, 'daily', '1')
  end
  create(w, lane, run, memory)
  return 'added'
end

-- Deferred or waiting -> due now, and past the fingerprint: a visit before may have taken the lookup for a miss. Gives 1
-- when it was or will be.
local function wake(ref)
  local w = open_ref(ref)
  local s = w.f.s
  if s == 'leased' then
    put(w, 'woken', '1')
    save(w)
    return 1
  end
  if s == 'waiting' and not is_cut(w) then
    put(w, 'forced', '1')
    enter_due(w, now)
    return 1
  end
  if s == 'due' then
    put(w, 'forced', '1')
    if tonumber(redis.call('ZSCORE', K.due(w.crm, w.object, due_lane(w)), w.id)) > now then
      enter_due(w, now)
      return 1
    end
    save(w)
  end
  -- Settled: it took the lookup for a miss, and now there is word of it. The fingerprint would not let it look.
  local memory = not s and remembered(w.crm, w.object, w.id)
  if memory then
    put(w, 'forced', '1')
    create(w, 'live', '', memory)
    return 1
  end
  return 0
end
