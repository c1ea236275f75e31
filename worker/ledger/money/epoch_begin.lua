-- needs: epoch
-- A person takes this ledger as it is: a new generation begins, ahead of everything remembered. `generation` and
-- `sent` are as remembered. A repeat with the same new id changes nothing.
-- args: generation, sent, new_id
-- Gives generation, id and sent of the epoch.
local known = epoch()
if known[2] ~= new_id then
  generation = math.max(tonumber(known[1]), tonumber(generation)) + 1
  sent = math.max(tonumber(known[3]), tonumber(sent))
  redis.call('HSET', K.epoch(), 'generation', int(generation), 'id', new_id, 'sent', int(sent))
end
return epoch()
