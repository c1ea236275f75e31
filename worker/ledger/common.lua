-- In front of every script. ARGV[1] is the time in ms (0 = Redis TIME), ARGV[2] the key prefix; a script's own
-- arguments follow and have the names of its head (worker/ledger/scripts.py). Plain Lua 5.1 and redis.call only (no cjson, no struct), so that a simulated Redis runs
-- the same scripts. Every script is one step: it happens as a whole or not at all.
local PREFIX = ARGV[2]
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Numbers become text without an exponent: Lua by itself writes a time as 1.7e12.
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

-- Whether one reason of a pause (key K.pause(target)) applies; a reason whose time has passed does not.
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

-- Numbers below 2^48 as 6 bytes, the highest first.
local function unpack6(text, from)
  local a, b, c, d, e, f = string.byte(text, from, from + 5)
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

local function pack6(number)
  local bytes = {}
  for i = 6, 1, -1 do
    bytes[i] = string.char(number % 256)
    number = math.floor(number / 256)
  end
  return table.concat(bytes)
end

-- Small things of many records share a hash, of 4,096 a kind: worker/ledger/work/memory.py has the same sum.
local function bucket_of(id)
  local sum = 0
  for i = 1, #id do
    sum = (sum * 31 + string.byte(id, i)) % 65521
  end
  return string.format('%03x', sum % 4096)
end

-- `count` then that many values from ARGV[at]; gives them and the position of the next argument.
local function list(ARGV, at)
  local values = {}
  local length = tonumber(ARGV[at])
  for i = 1, length do
    values[i] = ARGV[at + i]
  end
  return values, at + length + 1
end
