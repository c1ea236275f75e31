-- needs: rate
-- A call ended in an outage. Five failures, and half of all calls, within half a minute pause the bucket until a probe
-- works. Gives {1 = paused now, ms to the next probe}. Args: vendor, bucket, answered calls since the last word,
-- 1 = it was the probe, chance (0 to 999), 1 = the whole vendor too (its visits cannot do without the bucket).
local vendor, bucket, worked, probe, chance = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[7])
local key = K.rate(vendor, bucket)
local target = vendor .. ':' .. bucket
local failed, answered = tally(key, worked, 1)
local stands = redis.call('HEXISTS', K.pause(target), 'outage') == 1
if stands and not probe then
  return { '0', '0' } -- it was under way when the outage began
end
if not stands and (failed < 5 or failed < answered) then
  return { '0', '0' }
end
local tries = stands and tonumber(redis.call('HGET', key, 'tries') or '0') + 1 or 0
local wait = math.ceil(math.min(60000, 2000 * 2 ^ math.min(tries, 10)) * (0.5 + chance / 2000))
redis.call('HSET', key, 'tries', int(tries), 'probe_at', int(now + wait))
pause(target, 'outage', 0, true, 'half of its calls or more fail')
if ARGV[8] == '1' then
  pause(vendor, 'outage', now + wait, true, 'half of its calls or more fail')
end
return { '1', int(wait) }
