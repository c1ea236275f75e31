-- needs: memory, work
-- settled -> due, in the backfill lane, for records whose time to be looked at again has come.
-- ARGV: crm, object, run, at most, buckets
-- Gives how many.
local crm, object, made = ARGV[3], ARGV[4], 0
for i = 7, #ARGV do
  local flat = redis.call('HGETALL', K.memory(crm, object, ARGV[i]))
  for j = 1, #flat, 2 do
    local look_at = unpack6(flat[j + 1], 13)
    if look_at > 0 and look_at <= now and made < tonumber(ARGV[6]) then
      local w = open_record(crm, object, flat[j])
      if not w.f.s then
        create(w, 'backfill', ARGV[5], true)
        made = made + 1
      end
    end
  end
end
return made
