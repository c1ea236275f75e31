-- needs: ends, memory, work
-- due | waiting | dead | settled -> nothing is kept of the record. A leased one stays: its visit ends first.
-- Gives 1, or 0 while it is leased.
-- args: crm, object, id
local w = open_record(crm, object, id)
if w.f.s == 'leased' then
  return 0
end
if w.f.s then
  enter_settled(w, false)
elseif remembered(w.crm, w.object, w.id) then
  redis.call('DECR', K.settled(w.crm, w.object))
end
redis.call('HDEL', K.memory(w.crm, w.object, bucket_of(w.id)), w.id)
redis.call('HDEL', K.own(w.crm, w.object, bucket_of(w.id)), w.id)
return 1
