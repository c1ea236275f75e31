-- needs: memory, work
-- A request for records by id, once per key: nothing, due, leased, waiting -> due past the fingerprint; dead stays dead.
-- `key` may be '' (none), `digest` is of the request's content, `text` are the ids as one text, `keep` is in ms.
-- Gives the request's id and its digest: another's when the key was used before.
-- args: request, key, digest, keep, crm, object, run, text, ids[]
if key ~= '' then
  local before = redis.call('HMGET', K.request_key(key), 'request', 'digest')
  if before[1] then
    return {before[1], before[2]}
  end
  redis.call('HSET', K.request_key(key), 'request', request, 'digest', digest)
  redis.call('PEXPIRE', K.request_key(key), keep)
end
if redis.call('EXISTS', K.request(request)) == 0 then
  redis.call('HSET', K.request(request), 'crm', crm, 'object', object, 'run', run, 'ids', text, 'at', int(now))
  redis.call('PEXPIRE', K.request(request), keep)
  for _, id in ipairs(ids) do
    add(crm, object, id, 'live', run, true, 0, '', 0)
  end
end
return {request, digest}
