-- The life of a ledger: K.epoch holds its "generation", its "id" and how many paid calls were "sent" in it. Workers
-- remember the highest they have seen, outside Redis: a Redis with less has forgotten calls that were sent.

local function epoch()
  local known = redis.call('HMGET', K.epoch(), 'generation', 'id', 'sent')
  return { known[1] or '0', known[2] or '', known[3] or '0' }
end

-- Whether the life `known` lacks what a caller has seen. A later generation is one that a person has begun; every other
-- difference is a loss.
local function behind(known, generation, id, sent)
  if generation == 0 then
    return false
  end
  local ours = tonumber(known[1])
  return ours < generation or (ours == generation and (known[2] ~= id or tonumber(known[3]) < sent))
end
