-- needs: begins, creations, suppressions
-- (free) -> reserved on every key or on none. A row created under any key answers first, in the order of the keys; then
-- open creations make the asker wait. A repeat with the same creation and token gives 'claimed'
-- again. The deadline is in ms from now. `subjects` are the hashes of whom it is about, comma-separated: nobody who is on
-- the suppression list is made.
-- args: creation, token, crm, object, owner, deadline, subjects, keys[]
local own = hash(K.creation(creation))
if own.state == 'reserved' and own.token == token then
  return { 'claimed' }
end
if suppressed(subjects) then
  return { 'suppressed' }
end
local claims = K.claims(crm, object)
local row, busy, unknown
for _, key in ipairs(keys) do
  local held = redis.call('HGET', claims, key)
  if held and string.sub(held, 1, 1) == '=' then
    row = row or string.sub(held, 2)
  elseif held then
    local other = string.sub(held, 2)
    local theirs = hash(K.creation(other))
    age(other, theirs)
    if theirs.state == 'unknown' then
      unknown = unknown or { 'unknown', other, theirs.since, theirs.keys }
    elseif theirs.state == 'reserved' or theirs.state == 'sent' then
      busy = math.max(busy or 0, tonumber(theirs.deadline))
    else
      redis.call('HDEL', claims, key)
    end
  end
end
if row then
  return { 'created', row }
elseif busy then
  return { 'busy', int(busy) }
elseif unknown then
  return unknown
end
for _, key in ipairs(keys) do
  redis.call('HSET', claims, key, '?' .. creation)
end
deadline = int(now + deadline)
redis.call('HSET', K.creation(creation), 'state', 'reserved', 'token', token, 'crm', crm, 'object', object, 'owner', owner,
  'deadline', deadline, 'keys', table.concat(keys, '\n'))
redis.call('ZADD', K.creations_open(), deadline, creation)
return { 'claimed' }
