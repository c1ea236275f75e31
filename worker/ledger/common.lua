-- In front of every script. ARGV[1] is the time in ms (0 = Redis TIME), ARGV[2] the key prefix; a script's own
-- arguments follow and have the names of its head (worker/ledger/arguments.py). Plain Lua 5.1 and redis.call only (no cjson, no struct), so that a simulated Redis runs
-- the same scripts. Every script is one step: it happens as a whole or not at all.
local PREFIX = ARGV[2]
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Numbers become text without an exponent: 1.7e12 is how Lua writes a time by itself.
local function int(number)
  return string.format('%.0f', number)
end

-- A hash as a Lua table.
local function hash(key)
  local flat = redis.call('HGETALL', key)
  local fields = {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  return fields
end

local function split(text, separator)
  local parts = {}
  if text and text ~= '' then
    for part in string.gmatch(text, '([^' .. separator .. ']+)') do
      parts[#parts + 1] = part
    end
  end
  return parts
end

-- Whether one reason of a pause (key K.pause(target)) stands; a reason whose time has passed does not.
local function paused(key)
  local reasons = redis.call('HVALS', key)
  for _, reason in ipairs(reasons) do
    local till = tonumber(string.match(reason, '"until"%s*:%s*(%d+)') or '0')
    if till == 0 or till > now then
      return true
    end
  end
  return false
end

-- `count` then that many values from ARGV[at]; gives them and where the next argument stands.
local function list(at)
  local values = {}
  local length = tonumber(ARGV[at])
  for i = 1, length do
    values[i] = ARGV[at + i]
  end
  return values, at + length + 1
end
