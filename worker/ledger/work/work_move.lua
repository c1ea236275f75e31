-- needs: ends, memory, work, visit, journal, figures
-- leased -> settled as merged; the survivor -> due (visited again when leased, dead stays dead) with the open intents
-- and the values of ours of both. Journal and answers stay in place: the survivor notes whose they are.
-- Repeated with the same token it gives the same answer.
-- `object` and `id` are the survivor's, `theirs` its own as the caller read it, `both` both own together.
-- Gives done, retry (the survivor's own has changed since it was read: nothing happened) or lost.
-- args: owner, token, object, id, theirs, both, entries[]
local w, before = held(owner, token, 'move')
if not w then
  return before
end
local survivor = open_record(w.crm, object, id)
local own_key = K.own(survivor.crm, survivor.object, bucket_of(survivor.id))
if (redis.call('HGET', own_key, survivor.id) or '') ~= theirs then
  return 'retry'
end
if both ~= '' then
  redis.call('HSET', own_key, survivor.id, both)
end
journal(w.crm, w.object, w.id, w.f.run or '', entries)
redis.call('SADD', K.merged(survivor.crm, survivor.object, survivor.id), w.object .. ':' .. w.id)
count_visit(w, {}, {})
count_outcome(w, 'merged')

if w.f.daily then
  put(survivor, 'daily', '1')
end
append(w, 'intents', w.f.late)
local intents, s = w.f.intents, survivor.f.s
append(survivor, s == 'leased' and 'late' or 'intents', intents)
if s == 'leased' then
  put(survivor, 'revisit', survivor.f.revisit == '!' and '!' or '*')
  raise_lane(survivor, w.f.lane)
  take(survivor, w.f.run)
  save(survivor)
elseif s == 'dead' then
  save(survivor)
elseif s then
  leave(survivor)
  put(survivor, 's', nil)
  raise_lane(survivor, w.f.lane)
  take(survivor, w.f.run)
  enter_due(survivor, now)
else
  create(survivor, w.f.lane, w.f.run, remembered(survivor.crm, survivor.object, survivor.id))
end

local answer = ended(w, 'move', 'done')
redis.call('HDEL', K.memory(w.crm, w.object, bucket_of(w.id)), w.id)
redis.call('HDEL', K.own(w.crm, w.object, bucket_of(w.id)), w.id)
enter_settled(w, false)
return answer
