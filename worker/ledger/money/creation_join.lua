-- needs: creations
-- A row that was created under one of these keys takes those nobody holds. Gives how many. Args: crm, object, row, keys.
local claims = K.claims(ARGV[3], ARGV[4])
local taken = 0
for i = 6, #ARGV do
  taken = taken + redis.call('HSETNX', claims, ARGV[i], '=' .. ARGV[5])
end
return taken
