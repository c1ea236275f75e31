-- Journal: a stream whose ids carry the ledger's own time, and per record a list of its entries.

-- The lists that hold an entry: its record's, and that of the row it tells of, when a delivery made, filled or linked
-- it. Entries are JSON without blanks: within a text each quote has a backslash, so the patterns meet keys alone.
local function lists_of(crm, object, id, entry)
  local lists = {K.journal_of(crm, object, id)}
  local kind, row = string.match(entry, '"made_object":"([^"]+)","made_id":"([^"]+)"')
  if not kind then
    kind, row = string.match(entry, '"object":"([^"]+)","id":"([^"]+)"')
  end
  if kind and (kind ~= object or row ~= id) then
    lists[2] = K.journal_of(crm, kind, row)
  end
  return lists
end

-- An entry leaves its lists; gives whether it was in the journal.
local function unlist(key, crm, object, id)
  local found = redis.call('XRANGE', K.journal(), key, key)
  local entry = ''
  for i = 1, found[1] and #found[1][2] or 0, 2 do
    if found[1][2][i] == 'entry' then
      entry = found[1][2][i + 1]
    end
  end
  for _, list in ipairs(lists_of(crm, object, id, entry)) do
    redis.call('LREM', list, 1, key)
  end
  return redis.call('XDEL', K.journal(), key) == 1
end

-- An entry that names its own run says so by one byte (worker/ledger/journal/entry_codec.py).
local function with_run(entry, run)
  local from, to = string.find(entry, '"run":"' .. run .. '"', 1, true)
  return from and string.sub(entry, 1, from - 1) .. '\31' .. string.sub(entry, to + 1) or entry
end

local function journal(crm, object, id, run, entry)
  local last = redis.call('HMGET', K.journal_last(), 'ms', 'seq')
  local ms, seq = tonumber(last[1] or '0'), tonumber(last[2] or '0')
  if now > ms then
    ms, seq = now, 0
  else
    seq = seq + 1
  end
  local at = int(ms) .. '-' .. int(seq)
  redis.call('HSET', K.journal_last(), 'ms', int(ms), 'seq', int(seq))
  redis.call('XADD', K.journal(), at, 'crm', crm, 'object', object, 'id', id, 'run', run, 'entry', with_run(entry, run))
  for _, list in ipairs(lists_of(crm, object, id, entry)) do
    redis.call('RPUSH', list, at)
  end
  return at
end
