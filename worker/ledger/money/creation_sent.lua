-- reserved -> sent, once, ever: 1 for the first call before the deadline, 0 for every other, repeats too.
-- Args: creation, token.
local key = K.creation(ARGV[3])
local creation = hash(key)
if creation.state ~= 'reserved' or creation.token ~= ARGV[4] or now >= tonumber(creation.deadline) then
  return 0
end
redis.call('HSET', key, 'state', 'sent', 'sent', int(now))
return 1
