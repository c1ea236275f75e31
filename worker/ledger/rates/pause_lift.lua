-- needs: rate
-- One reason of a target, or all ('' = all), stands no more. Gives how many did. Args: target, reason.
if ARGV[4] ~= '' then
  return lift(ARGV[3], ARGV[4])
end
local reasons = redis.call('HKEYS', K.pause(ARGV[3]))
for _, reason in ipairs(reasons) do
  lift(ARGV[3], reason)
end
return #reasons
