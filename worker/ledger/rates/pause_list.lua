-- needs: rate
-- Reasons in force: target, reason, entry, and again. Expired ones are deleted on the way. Without targets it
-- lists every one.
-- args: targets[]
if #targets == 0 then
  targets = redis.call('SMEMBERS', K.pauses())
  table.sort(targets)
end
local found = {}
for _, target in ipairs(targets) do
  local reasons = hash(K.pause(target))
  for reason, value in pairs(reasons) do
    local till = tonumber(string.match(value, '"until"%s*:%s*(%d+)') or '0')
    if till == 0 or till > now then
      found[#found + 1] = target
      found[#found + 1] = reason
      found[#found + 1] = value
    elseif not string.match(value, '"probe"%s*:%s*true') then -- an outage that may be probed is not over
      lift(target, reason)
    end
  end
end
return found
