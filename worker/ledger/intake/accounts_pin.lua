-- Pins names that are not pinned yet, all of them or, if one is pinned to something else already, none: of two
-- installations that start at once one is let in. A repeat changes nothing.
-- args: accounts(name, account)
-- Gives how many were pinned by it.
local new = {}
for name, account in accounts() do
  local held = redis.call('HGET', K.accounts(), name)
  if held and held ~= account then
    return 0
  end
  if not held then
    new[#new + 1] = {name, account}
  end
end
for _, one in ipairs(new) do
  redis.call('HSET', K.accounts(), one[1], one[2])
end
return #new
