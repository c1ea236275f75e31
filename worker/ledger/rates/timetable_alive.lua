-- Workers heard of lately; those silent for a day are forgotten.
-- Gives per worker: owner, ms, info.
-- args: within_ms
for _, owner in ipairs(redis.call('ZRANGEBYSCORE', K.alive(), '-inf', int(now - 86400000))) do
  redis.call('ZREM', K.alive(), owner)
  redis.call('HDEL', K.beats(), owner)
end
local rows = redis.call('ZRANGEBYSCORE', K.alive(), '(' .. int(now - within_ms), '+inf', 'WITHSCORES')
local beats = {}
for i = 1, #rows, 2 do
  beats[#beats + 1] = {rows[i], rows[i + 1], redis.call('HGET', K.beats(), rows[i]) or '{}'}
end
return beats
