-- needs: memory, work
-- leased -> due when the lease has ended, with one more crash; a record that was visited alone -> dead.
-- Gives how many returned and how many were buried.
-- args: most
local left, returned, buried = tonumber(most), 0, 0
for _, work in ipairs(redis.call('SMEMBERS', K.works())) do
  local crm, object = string.match(work, '^([^:]*):(.*)$')
  for _, lane in ipairs(LANES) do
    local ids = redis.call('ZRANGEBYSCORE', K.leased(crm, object, lane), '-inf', int(now), 'LIMIT', 0, left)
    left = left - #ids
    for _, id in ipairs(ids) do
      local w = open_record(crm, object, id)
      put(w, 'crashes', int(number(w, 'crashes') + 1))
      if w.f.alone then
        enter_dead(w, 'crashed')
        buried = buried + 1
      else
        if w.f.revisit == '!' then
          put(w, 'forced', '1')
        end
        enter_due(w, now)
        returned = returned + 1
      end
    end
  end
end
return {returned, buried}
