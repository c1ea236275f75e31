-- A holder needs its lease no longer; somebody else's is left alone.
-- args: crm, owner
local key = K.grant(crm)
if redis.call('HGET', key, 'owner') == owner then
  redis.call('HDEL', key, 'owner', 'until')
end
return 1
