-- needs: memory, work
-- settled -> due, in the backfill lane, for records whose time to be looked at again has come.
-- Gives how many.
-- args: crm, object, run, most, buckets[]
local made = 0
for _, name in ipairs(buckets) do
  local flat = redis.call('HGETALL', K.memory(crm, object, name))
  for j = 1, #flat, 2 do
    local look_at = unpack6(flat[j + 1], 13)
    if look_at > 0 and look_at <= now and made < tonumber(most) then
      local w = open_record(crm, object, flat[j])
      if not w.f.s then
        create(w, 'backfill', run, true)
        made = made + 1
      end
    end
  end
end
return made
