-- needs: rate
-- A probe was answered: the outage is over. A repeat changes nothing.
-- args: target
redis.call('HDEL', K.rate(target), 'part', 'f', 'w', 'f0', 'w0', 'tries', 'probe_at')
return lift(target, 'outage')
