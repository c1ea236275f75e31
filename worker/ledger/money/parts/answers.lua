-- A kept answer: "<at> <expires> <hit> <ticket> <provider> <operation> <fields>\n" and the packed reply. Older answers
-- to other fields, which the newest does not serve, are in K.other_answer(question, '1') to OTHERS.
local OTHERS = 3

local function slot_key(question, slot)
  return slot == 0 and K.answer(question) or K.other_answer(question, int(slot))
end

local function facts(raw)
  if not raw then
    return nil
  end
  local at, expires, hit, ticket, provider, operation, fields =
    string.match(raw, '^(%d+) (%d+) ([01]) (%S+) (%S+) (%S+) (%S+)\n')
  if not at or tonumber(expires) <= now then
    return nil
  end
  return {
    at = at, expires = tonumber(expires), hit = hit, ticket = ticket, provider = provider, operation = operation,
    fields = fields,
  }
end

-- Whether an answer to fields `given` serves a question for `asked` (both comma-separated, '-' = none).
local function serves(given, asked)
  for _, field in ipairs(split(asked, ',')) do
    if field ~= '-' and not string.find(',' .. given .. ',', ',' .. field .. ',', 1, true) then
      return false
    end
  end
  return true
end

-- The kept answer that serves `asked`, or nil.
local function kept(question, asked)
  local slots = {}
  for slot = 0, OTHERS do
    slots[slot + 1] = slot_key(question, slot)
  end
  if redis.call('EXISTS', unpack(slots)) == 0 then
    return nil
  end
  for _, slot in ipairs(slots) do
    local raw = redis.call('GET', slot)
    local known = facts(raw)
    if known and serves(known.fields, asked) then
      return raw
    end
  end
  return nil
end

-- Notes in the index of a record that this question was asked for it; forgets questions nothing is kept of any more.
local function note(key, id, question)
  local bytes = string.gsub(question, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end)
  local noted = redis.call('HGET', key, id) or ''
  local rest = {}
  for i = 1, #noted, 16 do
    local one = string.sub(noted, i, i + 15)
    if one == bytes then
      return
    end
    local name = string.gsub(one, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
    if #noted < 64 or redis.call('EXISTS', K.answer(name), K.question(name)) > 0 then
      rest[#rest + 1] = one
    end
  end
  rest[#rest + 1] = bytes
  redis.call('HSET', key, id, table.concat(rest))
end
