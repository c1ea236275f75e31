-- needs: rate
-- A call ended in an outage. Five failures, and half of all calls, within half a minute pause the bucket until a probe
-- works. Gives ms to the next probe, 0 = no outage or known already. `worked` are the calls answered since the last
-- word, `probed` is the target it was a probe of, `chance` is 0 to 999.
-- args: target, worked, probed, chance
local failed, answered = tally(K.rate(target), tonumber(worked), 1)
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
