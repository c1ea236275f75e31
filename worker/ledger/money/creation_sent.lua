-- reserved -> sent, once, ever: 1 for the first call before the deadline, 0 for every other, repeats too.
-- args: id, token
local key = K.creation(id)
local creation = hash(key)
if creation.state ~= 'reserved' or creation.token ~= token or now >= tonumber(creation.deadline) then
  return 0
end
redis.call('HSET', key, 'state', 'sent', 'sent', int(now))
return 1
