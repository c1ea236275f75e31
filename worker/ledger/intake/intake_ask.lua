-- needs: memory, work
-- A request for records by id, once per key: nothing, due, leased, waiting -> due past the fingerprint; dead stays dead.
-- ARGV: request id, key ('' = none), digest of what is asked, keep ms, crm, object, run, ids as one text, then the ids
-- Gives the request's id and its digest: another's when the key was used before.
local request, key, digest, keep = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local crm, object, run = ARGV[7], ARGV[8], ARGV[9]
if key ~= '' then
  local before = redis.call('HMGET', K.request_key(key), 'request', 'digest')
  if before[1] then
    return {before[1], before[2]}
  end
  redis.call('HSET', K.request_key(key), 'request', request, 'digest', digest)
  redis.call('PEXPIRE', K.request_key(key), keep)
end
if redis.call('EXISTS', K.request(request)) == 0 then
  redis.call('HSET', K.request(request), 'crm', crm, 'object', object, 'run', run, 'ids', ARGV[10], 'at', int(now))
  redis.call('PEXPIRE', K.request(request), keep)
  for i = 11, #ARGV do
    add(crm, object, ARGV[i], 'live', run, true, 0, '', 0)
  end
end
return {request, digest}
