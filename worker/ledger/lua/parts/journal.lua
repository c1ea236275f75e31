-- Journal: a stream whose ids carry the ledger's own time, and per record a list of its entries.
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
  redis.call('XADD', K.journal(), at, 'crm', crm, 'object', object, 'id', id, 'run', run, 'entry', entry)
  redis.call('RPUSH', K.journal_of(crm, object, id), at)
  return at
end
