-- needs: begins, memory, work
-- Nothing, due, leased, waiting -> due (a leased record is visited again); dead stays dead.
-- One page of rows; with a cursor only if it is at `old`, and it is at `new` afterwards. Asked again with the
-- same cursor it adds nothing and says that it moved; without one, rows coalesce.
-- `cursor` is its name ('' = none).
-- args: crm, object, lane, run, forced, cursor, old, new, rows(id, stamp, fingerprint, read_at)
local moved = 0
if cursor ~= '' then
  local stands = redis.call('HGET', K.cursors(), cursor) or ''
  if stands ~= old then
    return {0, 0, 0, stands == new and 1 or 0}
  end
  redis.call('HSET', K.cursors(), cursor, new)
  moved = 1
end
local counted = {added = 0, coalesced = 0, ignored = 0}
for id, stamp, fingerprint, read_at in rows() do
  local outcome = add(crm, object, id, lane, run, forced == '1', tonumber(stamp), fingerprint, tonumber(read_at))
  counted[outcome] = counted[outcome] + 1
end
return {counted.added, counted.coalesced, counted.ignored, moved}
