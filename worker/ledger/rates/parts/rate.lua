-- A bucket's rate. A bucket is named like the target of its pauses: its vendor ("forager"), or a part of it
-- ("acme_hubspot:search"). Fields of K.rate: "tat:<ms>" when the next call of a paced window is due at an even pace,
-- "hold" no call before it, "left" and "left_until" the vendor's allowance by its headers, "strikes" of 429s, "struck" when
-- the rest after the last one ends, "part" with "f", "w", "f0", "w0" failed and answered calls of this and the last quarter
-- minute, "tries" and "probe_at" of an outage. Windows come as four values each: calls, ms, interval and slack (ms,
-- fractions; interval 0 = a counter, not a pace).
local PARTS = 60
local JITTER = 50

local function read_windows(flat)
  local windows = {}
  for at = 1, #flat, 4 do
    windows[#windows + 1] = {
      calls = tonumber(flat[at]), ms = tonumber(flat[at + 1]), name = flat[at + 1],
      interval = tonumber(flat[at + 2]), slack = tonumber(flat[at + 3]),
    }
  end
  return windows
end

-- Calls counted in a long window now, and when enough of them have left it for one more.
local function counted(key, window)
  local part = window.ms / PARTS
  local cut = math.floor((now - JITTER) / part) - PARTS - 1
  local counts = redis.call('HGETALL', key)
  local parts, sum = {}, 0
  for i = 1, #counts, 2 do
    local index, calls = tonumber(counts[i]), tonumber(counts[i + 1])
    if index <= cut then
      redis.call('HDEL', key, counts[i])
    else
      parts[#parts + 1] = { index, calls }
      sum = sum + calls
    end
  end
  if sum < window.calls then
    return sum, now
  end
  table.sort(parts, function(a, b) return a[1] < b[1] end)
  local left = sum
  for _, entry in ipairs(parts) do
    left = left - entry[2]
    if left < window.calls then
      return sum, math.ceil((entry[1] + PARTS + 1) * part) + JITTER
    end
  end
  return sum, now + window.ms
end

-- Why a bucket is shut: nil when open, 'outage' and its target when only a probe may pass, else 'paused' and its end (0 =
-- unknown). An outage's time is that of its next probe: claims of work may go on then, calls pass one by one.
local function shut(targets)
  local outage, till
  for _, target in ipairs(targets) do
    local entries = redis.call('HVALS', K.pause(target))
    for _, entry in ipairs(entries) do
      local ends = tonumber(string.match(entry, '"until"%s*:%s*(%d+)') or '0')
      if string.match(entry, '^{"until":%d+,"since":%d+,"probe":false,"calls":true') then
        ends = nil -- only work waits for it
      elseif string.match(entry, '"probe"%s*:%s*true') then
        outage = outage or target
      elseif ends == 0 or till == 0 then
        till = 0
      elseif ends > now then
        till = math.max(till or 0, ends)
      end
    end
  end
  if till then
    return 'paused', till
  end
  return outage and 'outage' or nil, outage
end

-- When the next call of a bucket fits into all its windows and what its vendor said, and until when the latter holds.
local function earliest(bucket, list, state, ahead)
  local at = math.max(now + (ahead or 0), tonumber(state.hold or '0'))
  for _, window in ipairs(list) do
    if window.interval > 0 then
      at = math.max(at, tonumber(state['tat:' .. window.name] or '0') - window.slack)
    else
      local _, free = counted(K.rate_window(bucket, window.name), window)
      at = math.max(at, free)
    end
  end
  local left_until = tonumber(state.left_until or '0')
  if at < left_until and tonumber(state.left) < 1 then
    at = left_until
  end
  return at, left_until
end

-- The pauses of a bucket: its own and its vendor's.
local function targets_of(vendor, bucket)
  return vendor == bucket and { vendor } or { vendor, bucket }
end

local function entry(till, since, probe, why, passes)
  local calls = passes and ',"calls":true' or ''
  local text = '{"until":%.0f,"since":%.0f,"probe":%s%s,"why":"%s"}'
  return string.format(text, till, since, probe and 'true' or 'false', calls, why)
end

-- A reason keeps the time it began; why is a sentence of ours without quotes. Where it `passes` calls, it holds up
-- nothing but work.
local function pause(target, reason, till, probe, why, passes)
  local since = now
  local old = redis.call('HGET', K.pause(target), reason)
  if old then
    local ended = tonumber(string.match(old, '"until"%s*:%s*(%d+)') or '0')
    if ended == 0 or ended > now or probe then
      since = tonumber(string.match(old, '"since"%s*:%s*(%d+)') or int(now))
    end
  end
  redis.call('HSET', K.pause(target), reason, entry(till, since, probe, why, passes))
  redis.call('SADD', K.pauses(), target)
end

-- The next probe of an outage.
local function probe(target, at)
  redis.call('HSET', K.rate(target), 'probe_at', int(at))
  pause(target, 'outage', at, true, 'half of its calls or more fail')
end

local function lift(target, reason)
  local lifted = redis.call('HDEL', K.pause(target), reason)
  if redis.call('EXISTS', K.pause(target)) == 0 then
    redis.call('SREM', K.pauses(), target)
  end
  return lifted
end

-- Counts answered and failed calls of the last 15 to 30 s; gives the sums.
local function tally(key, worked, failed)
  local part = math.floor(now / 15000)
  local state = redis.call('HMGET', key, 'part', 'f', 'w', 'f0', 'w0')
  local known = tonumber(state[1] or '0')
  local f, w, f0, w0 = tonumber(state[2] or '0'), tonumber(state[3] or '0'), tonumber(state[4] or '0'), tonumber(state[5] or '0')
  if known == part - 1 then
    f0, w0, f, w = f, w, 0, 0
  elseif known ~= part then
    f0, w0, f, w = 0, 0, 0, 0
  end
  f, w = f + failed, w + worked
  redis.call('HSET', key, 'part', int(part), 'f', int(f), 'w', int(w), 'f0', int(f0), 'w0', int(w0))
  return f + f0, w + w0
end

-- Why nothing may be sent now: {-1, ms until it is worth asking (0 = no time known), why}, or nil and the shut target.
local function refusal(vendor, bucket)
  local why, whose = shut(targets_of(vendor, bucket))
  if why == 'paused' then
    return { '-1', whose == 0 and '0' or int(whose - now), why }
  end
  if why == 'outage' then
    local probe_at = tonumber(redis.call('HGET', K.rate(whose), 'probe_at') or '0')
    if now < probe_at then
      return { '-1', int(math.min(5000, probe_at - now)), why } -- the probe under way may end it long before the next
    end
  end
  return nil, why, whose
end
