-- needs: creations
-- reserved -> released if its owner is gone or its deadline has passed; sent -> unknown past its deadline. Gives
-- both counts.
-- args: owners[]
local alive = {}
for _, owner in ipairs(owners) do
  alive[owner] = true
end
local released, unknown = 0, 0
for _, id in ipairs(redis.call('ZRANGE', K.creations_open(), 0, 4999)) do
  local creation = hash(K.creation(id))
  local before = creation.state
  if not before then
    redis.call('ZREM', K.creations_open(), id)
  elseif before == 'reserved' and not alive[creation.owner] then
    finish(id, creation, 'released', 'owner gone')
  else
    age(id, creation)
  end
  released = released + (before ~= 'released' and creation.state == 'released' and 1 or 0)
  unknown = unknown + (before ~= 'unknown' and creation.state == 'unknown' and 1 or 0)
end
return { int(released), int(unknown) }
