-- The grant that a holder got is the newest, unless one with a higher fence has kept another: then it is not kept. Gives
-- 1 or 0; a repeat gives the same. Args: crm, fence, grant.
local key, fence = K.grant(ARGV[3]), tonumber(ARGV[4])
if fence < tonumber(redis.call('HGET', key, 'kept') or '0') then
  return 0
end
redis.call('HSET', key, 'kept', int(fence), 'grant', ARGV[5])
return 1
