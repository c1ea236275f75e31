-- Memory of settled records: stamp, read_at, look_at as 6 bytes each, then what stays blank and why ('r', its length in
-- a byte, its letters; nothing where nothing does), then the packed fingerprint (worker/ledger/work/memory.py reads it).

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

local function bucket(id)
  local sum = 0
  for i = 1, #id do
    sum = (sum * 31 + string.byte(id, i)) % 65521
  end
  return string.format('%03x', sum % 4096)
end

-- Takes what stays blank off the fingerprint behind it. Gives both.
local function parted(text)
  local ends = string.byte(text) == 114 and 2 + string.byte(text, 2) or 0
  return string.sub(text, 1, ends), string.sub(text, ends + 1)
end

local function remembered(crm, object, id)
  local raw = redis.call('HGET', K.memory(crm, object, bucket(id)), id)
  if not raw then
    return nil
  end
  local left, fingerprint = parted(string.sub(raw, 19))
  return {
    stamp = unpack6(raw, 1), read_at = unpack6(raw, 7), look_at = unpack6(raw, 13), left = left, fingerprint = fingerprint,
  }
end

local function remember(crm, object, id, memory)
  local packed = pack6(memory.stamp) .. pack6(memory.read_at) .. pack6(memory.look_at)
  packed = packed .. (memory.left or '') .. memory.fingerprint
  redis.call('HSET', K.memory(crm, object, bucket(id)), id, packed)
end

-- A stamp is stale when it is not newer than the one last read, and that read was made 2 s or more after it.
local function known(memory, stamp, fingerprint)
  if memory.look_at > 0 and memory.look_at <= now then
    return false
  end
  if stamp > 0 and stamp <= memory.stamp and memory.read_at >= stamp + 2000 then
    return true
  end
  return fingerprint ~= '' and fingerprint == memory.fingerprint
end

-- What is remembered of our values on a record: 'keep' changes nothing, '' forgets them.
local function keep_own(w, own)
  local key = K.own(w.crm, w.object, bucket(w.id))
  if own == '' then
    redis.call('HDEL', key, w.id)
  elseif own ~= 'keep' then
    redis.call('HSET', key, w.id, own)
  end
end
