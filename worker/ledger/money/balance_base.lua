-- The last instant of the balance becomes the one to compare with. A repeat changes nothing.
-- args: provider, at
local key = K.balance(provider)
local last = redis.call('HMGET', key, 'told', 'spent', 'upto', 'at')
if last[4] ~= at then
  return 0
end
redis.call('HSET', key, 'base_told', last[1], 'base_spent', last[2], 'base_upto', last[3], 'base_at', last[4])
return 1
