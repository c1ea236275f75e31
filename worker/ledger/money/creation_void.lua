-- A read said that a created row is gone: its keys are free again. Gives how many were.
-- args: crm, object, row, keys[]
local claims = K.claims(crm, object)
local freed = 0
for _, key in ipairs(keys) do
  if redis.call('HGET', claims, key) == '=' .. row then
    freed = freed + redis.call('HDEL', claims, key)
  end
end
return freed
