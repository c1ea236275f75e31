-- needs: rate
-- When the next call of a bucket may leave: ms, or 0 if unknown. Books nothing.
-- args: vendor, bucket, windows[]
local refused = refusal(vendor, bucket)
if refused then
  local wait = tonumber(refused[2])
  return wait == 0 and '0' or int(now + wait)
end
local at = earliest(bucket, read_windows(windows), hash(K.rate(bucket)))
return int(math.ceil(at))
