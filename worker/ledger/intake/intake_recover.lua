-- needs: memory, work
-- A page of a sweep: rows that were read and have gaps. A row neither in the work nor remembered as it is now, no
-- webhook or poll has announced: it is due, and counted as recovered. A record that is only to be looked at again is
-- left to the recheck, one that is in the work to whoever brought it there.
-- The cursor moves with it, or the page is refused; asked again with the same cursor it adds nothing.
-- Gives how many were recovered, and whether the cursor is behind this page.
-- args: crm, object, run, cursor, old, new, rows(id, stamp_text, fingerprint, read_at)
local stands = redis.call('HGET', K.cursors(), cursor) or ''
if stands ~= old then
  return {0, stands == new and 1 or 0}
end
redis.call('HSET', K.cursors(), cursor, new)
local recovered = 0
for id, stamp_text, fingerprint, read_at in rows() do
  local stamp, memory = tonumber(stamp_text), remembered(crm, object, id)
  if memory then
    memory.look_at = 0
  end
  local fresh = not (memory and known(memory, stamp, fingerprint))
  if fresh and redis.call('EXISTS', K.record(crm, object, id)) == 0 then
    if add(crm, object, id, 'live', run, false, stamp, fingerprint, tonumber(read_at)) == 'added' then
      recovered = recovered + 1
    end
  end
end
if recovered > 0 then
  redis.call('HINCRBY', K.recovered(), crm .. '|' .. object, recovered)
end
return {recovered, 1}
