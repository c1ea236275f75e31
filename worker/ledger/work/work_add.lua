-- needs: begins, memory, work
-- Nothing, due, leased, waiting -> due (a leased record is visited again); dead stays dead.
-- One page of rows; with a cursor only if it stands at `old`, and it stands at `new` afterwards. Asked again with the
-- same cursor it adds nothing and says that it moved; without one, rows coalesce.
-- ARGV: crm, object, lane, run, forced, cursor name ('' = none), old, new, then per row id, stamp, fingerprint, read_at
local crm, object, lane, run, forced = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7] == '1'
local cursor, old, new = ARGV[8], ARGV[9], ARGV[10]
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
for i = 11, #ARGV, 4 do
  local outcome = add(crm, object, ARGV[i], lane, run, forced, tonumber(ARGV[i + 1]), ARGV[i + 2], tonumber(ARGV[i + 3]))
  counted[outcome] = counted[outcome] + 1
end
return {counted.added, counted.coalesced, counted.ignored, moved}
