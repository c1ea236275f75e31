-- needs: rate, slot
-- hasty: a call waits for it
-- Books the next slots of a bucket in all its windows, one for each patience (ms). Gives the time (ms), then for each
-- {wait in ms, the target it is a probe of}, or {-1, ms until it is worth asking (0 = no time known), why} and takes nothing.
-- A repeat books other slots: too many are safe.
-- `ahead` are the ms before which no slot is of use, `worked` the calls answered since the last slot.
-- args: vendor, bucket, ahead, worked, windows[], patiences[]
ahead, worked = tonumber(ahead), tonumber(worked)
windows = read_windows(windows)
if worked > 0 then
  tally(K.rate(bucket), worked, 0)
end

local answers = { int(now) }
for _, patience in ipairs(patiences) do
  answers[#answers + 1] = next_slot(vendor, bucket, windows, ahead, tonumber(patience))
end
return answers
