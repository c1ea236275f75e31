-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> waiting, in the queue of every provider it lacks, at the place it had there before; or due at once when
-- something came meanwhile that the visit has not seen. Repeated with the same token it gives the same answer.
-- Gives done, again (due at once) or lost.
-- args: owner, token, reason, intents, own, at_latest, fingerprint, stamp, read_at, entries[], filled[], providers[], needs[]
local w, before = unfinished('wait', owner, token, reason, intents, own, entries, filled)
if not w then
  return before
end
local seen = { fingerprint = fingerprint, stamp = tonumber(stamp), read_at = tonumber(read_at), look_at = 0 }
local revisit = unseen(w, seen)
for _, provider in ipairs(providers) do
  put(w, 'place:' .. provider, w.f['place:' .. provider] or int(now))
end
if revisit ~= '' or w.f.woken then
  put(w, 'woken', '1')
  return back(w, 'wait', now, true)
end
exonerate(w)
local answer = ended(w, 'wait', 'done')
leave(w)
follow(w, '+inf')
put(w, 's', 'waiting')
put(w, 'providers', table.concat(providers, ','))
put(w, 'needs', table.concat(needs, ','))
put(w, 'seen', int(seen.stamp) .. '|' .. int(seen.read_at) .. '|' .. seen.fingerprint)
redis.call('ZADD', K.waiting(w.crm, w.object, w.f.lane), int(now), w.id)
for _, provider in ipairs(providers) do
  redis.call('ZADD', K.queue(provider, w.f.lane, w.crm), w.f['place:' .. provider], w.object .. ':' .. w.id)
  redis.call('SADD', K.queuers(provider), w.crm)
end
if at_latest ~= '0' then
  redis.call('ZADD', K.latest(), at_latest, ref_of(w))
end
save(w)
return answer
