-- needs: ends, memory, work, visit, journal, figures, release
-- leased -> waiting, in the queue of every provider it lacks, at the place it had there before; or due at once when
-- something came meanwhile that the visit has not seen. Repeated with the same token it gives the same answer.
-- ARGV: as parts/release.lua, then at_latest (0 = none), fingerprint, stamp and read_at last seen, then as count and
--       values: providers, and the credits needed at each
-- Gives done, again (due at once) or lost.
local w, at = unfinished('wait')
if not w then
  return at
end
local at_latest = tonumber(ARGV[at])
local seen = {
  fingerprint = ARGV[at + 1], stamp = tonumber(ARGV[at + 2]), read_at = tonumber(ARGV[at + 3]), look_at = 0,
}
local providers, needs
providers, at = list(at + 4)
needs = list(at)
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
if at_latest > 0 then
  redis.call('ZADD', K.latest(), int(at_latest), ref_of(w))
end
save(w)
return answer
