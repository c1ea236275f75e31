-- Counts what paid questions came to. Names are "<provider>|<operation>|<rest>". Where an operation was asked more than MOST
-- times, all its counters are halved, so that recent results outweigh old ones.
local MOST = 4000

local function halve(operation)
  for name, by in pairs(hash(K.yields())) do
    if string.sub(name, 1, #operation) == operation then
      redis.call('HSET', K.yields(), name, int(math.floor(tonumber(by) / 2)))
    end
  end
end

-- `yields` is {name, by, ...}.
local function count_yields(yields)
  local full = {}
  for i = 1, #yields, 2 do
    local name = yields[i]
    local sum = redis.call('HINCRBY', K.yields(), name, yields[i + 1])
    if sum > MOST and string.sub(name, -6) == '|asked' then
      full[#full + 1] = string.sub(name, 1, -6)
    end
  end
  for _, operation in ipairs(full) do
    halve(operation)
  end
end
