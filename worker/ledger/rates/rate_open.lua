-- needs: rate
-- urgent: a slot has come, and is lost if the call is late
-- Whether a slot that was booked earlier may still be used: {0}, or as of a refused slot when the bucket was paused since.
-- args: vendor, bucket
return refusal(vendor, bucket) or { '0' }
