-- needs: creations
-- A row that was created under one of these keys takes those that nobody holds. Gives how many.
-- args: crm, object, row, keys[]
local claims = K.claims(crm, object)
local taken = 0
for _, key in ipairs(keys) do
  taken = taken + redis.call('HSETNX', claims, key, '=' .. row)
end
return taken
