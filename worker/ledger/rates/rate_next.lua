-- needs: rate
-- When the next call of a bucket may leave: ms, or 0 when nobody knows. Books nothing.
-- Args: vendor, bucket, number of windows, windows.
local bucket = ARGV[4]
local refused = refusal(ARGV[3], bucket)
if refused then
  local wait = tonumber(refused[2])
  return wait == 0 and '0' or int(now + wait)
end
local list = windows(6, tonumber(ARGV[5]))
local at = earliest(bucket, list, hash(K.rate(bucket)))
return int(math.ceil(at))
