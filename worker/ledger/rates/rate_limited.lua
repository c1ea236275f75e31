-- needs: rate
-- A 429: pauses the bucket for everybody until the vendor's time or a growing one of ours. Calls that were under way
-- when it was paused are one 429. Gives ms it is paused for. `asked` is the vendor's time (ms, -1 = none). Ours grows
-- with each 429 that comes within `calm_ms` after the last rest. `chance` is 0 to 999, `why` JSON text without its quotes.
-- args: target, asked, calm_ms, chance, why
asked, chance = tonumber(asked), tonumber(chance)
local key = K.rate(target)
local old = tonumber(string.match(redis.call('HGET', K.pause(target), '429') or '', '"until"%s*:%s*(%d+)') or '0')
local strikes = tonumber(redis.call('HGET', key, 'strikes') or '0')
if now - tonumber(redis.call('HGET', key, 'struck') or '0') > tonumber(calm_ms) then
  strikes = 0
end
if old <= now then
  strikes = strikes + 1
end
local wait
if asked >= 0 then
  wait = math.min(asked, 86400000) + chance -- up to a second of spread on the vendor's own delay
else
  local top = math.min(60000, 1000 * 2 ^ math.min(strikes, 10))
  wait = math.max(500, top * (0.5 + chance / 2000))
end
local till = math.max(old, now + math.ceil(wait))
pause(target, '429', till, false, why)
redis.call('HSET', key, 'strikes', int(strikes), 'struck', int(till))
return int(till - now)
