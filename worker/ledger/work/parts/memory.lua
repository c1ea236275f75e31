-- Memory of settled records: stamp, read_at, look_at as 6 bytes each, then what stays blank and why ('r', its length in
-- a byte, its letters; nothing where nothing does), then the packed fingerprint (worker/ledger/work/memory.py reads it).

-- Takes what stays blank off the fingerprint behind it. Gives both.
local function parted(text)
  local ends = string.byte(text) == 114 and 2 + string.byte(text, 2) or 0
  return string.sub(text, 1, ends), string.sub(text, ends + 1)
end

local function remembered(crm, object, id)
  local raw = redis.call('HGET', K.memory(crm, object, bucket_of(id)), id)
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
  redis.call('HSET', K.memory(crm, object, bucket_of(id)), id, packed)
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

-- Keeps the memory of our values on a record: 'keep' changes nothing, '' deletes it.
local function keep_own(w, own)
  local key = K.own(w.crm, w.object, bucket_of(w.id))
  if own == '' then
    redis.call('HDEL', key, w.id)
  elseif own ~= 'keep' then
    redis.call('HSET', key, w.id, own)
  end
end
