-- needs: rate
-- A call ended in an outage. Five failures, and half of all calls, within half a minute pause the bucket until a probe
-- works. Gives ms to the next probe, 0 = no outage or known already. Args: bucket, answered calls since the last word,
-- target it was a probe of, chance (0 to 999).
local target, worked, probed, chance = ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local failed, answered = tally(K.rate(target), worked, 1)
if probed ~= '' then
  target = probed
end
local stands = string.match(redis.call('HGET', K.pause(target), 'outage') or '', '"probe"%s*:%s*true') ~= nil
if stands and probed == '' then
  return 0 -- it was under way when the outage began
end
if not stands and (failed < 5 or failed < answered) then
  return 0
end
local tries = stands and tonumber(redis.call('HGET', K.rate(target), 'tries') or '0') + 1 or 0
local wait = math.ceil(math.min(60000, 2000 * 2 ^ math.min(tries, 10)) * (0.5 + chance / 2000))
redis.call('HSET', K.rate(target), 'tries', int(tries))
probe(target, now + wait)
return wait
