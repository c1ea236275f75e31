-- needs: memory, work
-- settled -> due, in the backfill lane, for records whose time to be looked at again has come, and for those with one
-- of `opened` (two letters: a field, and what of its property kept it blank) among what stays blank.
-- Gives how many.
-- args: crm, object, run, most, opened[], buckets[]
local wanted, reasons = {}, {}
for _, letters in ipairs(opened) do
  wanted[letters], reasons[string.sub(letters, 2)] = true, true
end

local function may_have_opened(raw)
  for reason in pairs(reasons) do
    if string.find(raw, reason, 19, true) then
      return true
    end
  end
  return false
end

local function has_opened(raw)
  if not may_have_opened(raw) then
    return false
  end
  local left = parted(string.sub(raw, 19))
  for i = 3, #left, 2 do
    if wanted[string.sub(left, i, i + 1)] then
      return true
    end
  end
  return false
end

local made = 0
for _, name in ipairs(buckets) do
  local flat = redis.call('HGETALL', K.memory(crm, object, name))
  for j = 1, #flat, 2 do
    local look_at = unpack6(flat[j + 1], 13)
    if made < tonumber(most) and (look_at > 0 and look_at <= now or has_opened(flat[j + 1])) then
      local w = open_record(crm, object, flat[j])
      if not w.f.s then
        create(w, 'backfill', run, true)
        made = made + 1
      end
    end
  end
end
return made
