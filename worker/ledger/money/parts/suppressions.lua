-- The suppression list. A process with another check than the list's cannot tell who is on it.

local function unreadable(check)
  return check ~= (redis.call('GET', K.suppressed_key()) or check) and redis.call('HLEN', K.suppressed()) > 0
end

-- Whether one of the hashes (comma-separated) is on the list.
local function suppressed(hashes)
  for _, name in ipairs(split(hashes, ',')) do
    if redis.call('HEXISTS', K.suppressed(), name) == 1 then
      return true
    end
  end
  return false
end
