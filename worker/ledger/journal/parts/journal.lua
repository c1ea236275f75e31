-- Journal: a stream whose ids carry the ledger's own time, and per record the keys of its entries: up to seven packed in
-- a hash that many records share (worker/ledger/compact_json.py), more in a list of its own. Redis keeps values of
-- up to 64 bytes in such a hash at a third of what a list takes.
local FEW = 7 * 9

-- The key of an entry in 9 bytes: its time, and its number within that millisecond.
local function pack_key(key)
  local ms, seq = string.match(key, '^(%d+)-(%d+)$')
  return pack6(tonumber(ms)) .. string.sub(pack6(tonumber(seq)), 4)
end

local function unpack_key(packed, from)
  return int(unpack6(packed, from)) .. '-' .. int(unpack6('\0\0\0' .. string.sub(packed, from + 6, from + 8), 1))
end

local function list_keys(crm, object, id, keys)
  local many = K.journal_many(crm, object, id)
  if redis.call('EXISTS', many) == 1 then
    redis.call('RPUSH', many, unpack(keys))
    return
  end
  local few = K.journal_few(crm, object, bucket_of(id))
  local packed = redis.call('HGET', few, id) or ''
  for _, key in ipairs(keys) do
    packed = packed .. pack_key(key)
  end
  if #packed <= FEW then
    redis.call('HSET', few, id, packed)
    return
  end
  redis.call('HDEL', few, id)
  for from = 1, #packed, 9 do
    redis.call('RPUSH', many, unpack_key(packed, from))
  end
end

local function unlist_key(crm, object, id, key)
  local few = K.journal_few(crm, object, bucket_of(id))
  local packed, wanted = redis.call('HGET', few, id) or '', pack_key(key)
  for from = 1, #packed, 9 do
    if string.sub(packed, from, from + 8) == wanted then
      local left = string.sub(packed, 1, from - 1) .. string.sub(packed, from + 9)
      if left == '' then
        redis.call('HDEL', few, id)
      else
        redis.call('HSET', few, id, left)
      end
      return
    end
  end
  redis.call('LREM', K.journal_many(crm, object, id), 1, key)
end

-- The other record that an entry concerns, or nil: the row that a delivery created, filled or linked. Entries are JSON
-- without blanks: within a text each quote has a backslash, so the patterns meet keys alone.
local function row_of(object, id, entry)
  local kind, row = string.match(entry, '"made_object":"([^"]+)","made_id":"([^"]+)"')
  if not kind then
    kind, row = string.match(entry, '"object":"([^"]+)","id":"([^"]+)"')
  end
  if kind and (kind ~= object or row ~= id) then
    return kind, row
  end
end

-- An entry leaves the journal and its records; gives whether it was in the journal.
local function unlist(key, crm, object, id)
  local found = redis.call('XRANGE', K.journal(), key, key)
  local entry = ''
  for i = 1, found[1] and #found[1][2] or 0, 2 do
    if found[1][2][i] == 'entry' then
      entry = found[1][2][i + 1]
    end
  end
  unlist_key(crm, object, id, key)
  local kind, row = row_of(object, id, entry)
  if kind then
    unlist_key(crm, kind, row, key)
  end
  return redis.call('XDEL', K.journal(), key) == 1
end

-- An entry that names its own run says so by one byte (worker/ledger/compact_json.py).
local function with_run(entry, run)
  local from, to = string.find(entry, '"run":"' .. run .. '"', 1, true)
  return from and string.sub(entry, 1, from - 1) .. '\31' .. string.sub(entry, to + 1) or entry
end

-- Entries of one record, each under a key of its own.
local function journal(crm, object, id, run, entries)
  if #entries == 0 then
    return
  end
  local last = redis.call('HMGET', K.journal_last(), 'ms', 'seq')
  local ms, seq = tonumber(last[1] or '0'), tonumber(last[2] or '0')
  if now > ms then
    ms, seq = now, -1
  end
  redis.call('HSET', K.journal_last(), 'ms', int(ms), 'seq', int(seq + #entries))
  -- A stream keeps names of fields once for all entries in a row that have the same, and every value.
  local name, keys = table.concat({ crm, object, run }, ':'), {}
  for i, entry in ipairs(entries) do
    keys[i] = int(ms) .. '-' .. int(seq + i)
    redis.call('XADD', K.journal(), keys[i], name, id, 'entry', with_run(entry, run))
    local kind, row = row_of(object, id, entry)
    if kind then
      list_keys(crm, kind, row, { keys[i] })
    end
  end
  list_keys(crm, object, id, keys)
end
