-- A holder needs its lease no longer; somebody else's is left alone. Args: crm, owner.
local key = K.grant(ARGV[3])
if redis.call('HGET', key, 'owner') == ARGV[4] then
  redis.call('HDEL', key, 'owner', 'until')
end
return 1
