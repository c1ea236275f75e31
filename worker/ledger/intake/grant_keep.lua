-- The grant that a holder got is the newest, unless one with a higher fence has kept another: then it is not kept. Gives
-- 1 or 0; a repeat gives the same.
-- args: crm, fence, grant
local key = K.grant(crm)
fence = tonumber(fence)
if fence < tonumber(redis.call('HGET', key, 'kept') or '0') then
  return 0
end
redis.call('HSET', key, 'kept', int(fence), 'grant', grant)
return 1
