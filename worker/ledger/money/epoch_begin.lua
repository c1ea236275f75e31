-- needs: epoch
-- A person takes this ledger as it is: a new generation begins, ahead of everything remembered. A repeat with the same
-- new id changes nothing. Args: generation and sent as remembered, the new id.
-- Gives generation, id and sent of the epoch.
local known = epoch()
if known[2] ~= ARGV[5] then
  local generation = math.max(tonumber(known[1]), tonumber(ARGV[3])) + 1
  local sent = math.max(tonumber(known[3]), tonumber(ARGV[4]))
  redis.call('HSET', K.epoch(), 'generation', int(generation), 'id', ARGV[5], 'sent', int(sent))
end
return epoch()
