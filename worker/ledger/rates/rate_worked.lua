-- needs: rate
-- A probe was answered: the outage is over. A repeat changes nothing. Args: target.
redis.call('HDEL', K.rate(ARGV[3]), 'part', 'f', 'w', 'f0', 'w0', 'tries', 'probe_at')
return lift(ARGV[3], 'outage')
