-- needs: rate
-- A probe was answered: the outage is over. A repeat changes nothing. Args: vendor, bucket.
local vendor, bucket = ARGV[3], ARGV[4]
redis.call('HDEL', K.rate(vendor, bucket), 'part', 'f', 'w', 'f0', 'w0', 'tries', 'probe_at')
lift(vendor, 'outage')
return lift(vendor .. ':' .. bucket, 'outage')
