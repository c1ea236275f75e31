-- A creation is a ticket: reserved -> sent -> created | unknown | released, and unknown -> created | absent by a read of
-- the unique property. Fields: state, token, crm, object, owner, deadline, keys (lines), since, row, cause. It holds
-- every key it claimed; an ended one stays for ENDED_MS, so that a repeated step gives its answer again.
local ENDED_MS = 600000

local function point(id, creation, to)
  local claims = K.claims(creation.crm, creation.object)
  for _, key in ipairs(split(creation.keys, '\n')) do
    local held = redis.call('HGET', claims, key)
    if held == '?' .. id or (to and not held) then
      if to then
        redis.call('HSET', claims, key, to)
      else
        redis.call('HDEL', claims, key)
      end
    end
  end
end

local function finish(id, creation, state, cause)
  creation.state = state
  redis.call('HSET', K.creation(id), 'state', state, 'cause', cause)
  point(id, creation, creation.row and '=' .. creation.row)
  redis.call('ZREM', K.creations_open(), id)
  redis.call('PEXPIRE', K.creation(id), ENDED_MS)
end

local function doubt(id, creation, cause)
  creation.state, creation.since = 'unknown', int(now)
  redis.call('HSET', K.creation(id), 'state', 'unknown', 'cause', cause, 'since', creation.since)
end

-- Moves a creation whose deadline has passed to its next state.
local function age(id, creation)
  if creation.state and tonumber(creation.deadline) <= now then
    if creation.state == 'reserved' then
      finish(id, creation, 'released', 'deadline')
    elseif creation.state == 'sent' then
      doubt(id, creation, 'deadline')
    end
  end
end
