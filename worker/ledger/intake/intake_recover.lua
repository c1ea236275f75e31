-- needs: memory, work
-- A page of a sweep: rows that were read and have gaps. What is not in the work and not remembered as it is now, no
-- webhook or poll has announced: it is due, and counted as recovered. A record that is only to be looked at again is
-- left to the recheck, one that is in the work to whoever brought it there.
-- The cursor moves with it, or the page is refused; asked again with the same cursor it adds nothing.
-- ARGV: crm, object, run, cursor name, old, new, then per row id, stamp, fingerprint, read_at
-- Gives how many were recovered, and whether the cursor stands behind this page.
local crm, object, run = ARGV[3], ARGV[4], ARGV[5]
local cursor, old, new = ARGV[6], ARGV[7], ARGV[8]
local stands = redis.call('HGET', K.cursors(), cursor) or ''
if stands ~= old then
  return {0, stands == new and 1 or 0}
end
redis.call('HSET', K.cursors(), cursor, new)
local recovered = 0
for i = 9, #ARGV, 4 do
  local id, stamp, fingerprint = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local memory = remembered(crm, object, id)
  if memory then
    memory.look_at = 0
  end
  local fresh = not (memory and known(memory, stamp, fingerprint))
  if fresh and redis.call('EXISTS', K.record(crm, object, id)) == 0 then
    if add(crm, object, id, 'live', run, false, stamp, fingerprint, tonumber(ARGV[i + 3])) == 'added' then
      recovered = recovered + 1
    end
  end
end
if recovered > 0 then
  redis.call('HINCRBY', K.recovered(), crm .. '|' .. object, recovered)
end
return {recovered, 1}
