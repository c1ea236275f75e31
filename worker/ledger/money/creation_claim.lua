-- needs: begins, creations
-- (free) -> reserved on every key or on none. A row created under any key answers first, in the order of the keys; then
-- open creations make the asker wait. A repeat with the same creation and token gives 'claimed' again. Args: creation, token, crm, object, owner, deadline (ms from now), keys.
local id, token, crm, object = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local own = hash(K.creation(id))
if own.state == 'reserved' and own.token == token then
  return { 'claimed' }
end
local claims = K.claims(crm, object)
local row, busy, unknown
for i = 9, #ARGV do
  local held = redis.call('HGET', claims, ARGV[i])
  if held and string.sub(held, 1, 1) == '=' then
    row = row or string.sub(held, 2)
  elseif held then
    local other = string.sub(held, 2)
    local creation = hash(K.creation(other))
    age(other, creation)
    if creation.state == 'unknown' then
      unknown = unknown or { 'unknown', other, creation.since, creation.keys }
    elseif creation.state == 'reserved' or creation.state == 'sent' then
      busy = math.max(busy or 0, tonumber(creation.deadline))
    else
      redis.call('HDEL', claims, ARGV[i])
    end
  end
end
if row then
  return { 'created', row }
elseif busy then
  return { 'busy', int(busy) }
elseif unknown then
  return unknown
end
local keys = {}
for i = 9, #ARGV do
  keys[#keys + 1] = ARGV[i]
  redis.call('HSET', claims, ARGV[i], '?' .. id)
end
local deadline = int(now + ARGV[8])
redis.call('HSET', K.creation(id), 'state', 'reserved', 'token', token, 'crm', crm, 'object', object, 'owner', ARGV[7],
  'deadline', deadline, 'keys', table.concat(keys, '\n'))
redis.call('ZADD', K.creations_open(), deadline, id)
return { 'claimed' }
