-- A read said that a created row is gone: its keys are free again. Gives how many were. Args: crm, object, row, keys.
local claims = K.claims(ARGV[3], ARGV[4])
local freed = 0
for i = 6, #ARGV do
  if redis.call('HGET', claims, ARGV[i]) == '=' .. ARGV[5] then
    freed = freed + redis.call('HDEL', claims, ARGV[i])
  end
end
return freed
