-- needs: rate
-- Whether a slot that was booked earlier may still be used: {0}, or as of a refused slot when the bucket was paused since.
-- Args: vendor, bucket.
return refusal(ARGV[3], ARGV[4]) or { '0' }
