-- Tells what dead letters were buried with. Changes nothing.
-- Gives per id: note, attempts and run; note is nil if it is no longer dead
-- args: crm, object, ids[]
local found = {}
for at, id in ipairs(ids) do
  local row = redis.call('HMGET', K.record(crm, object, id), 's', 'note', 'attempts', 'run')
  local is_dead = row[1] == 'dead'
  found[3 * at - 2] = is_dead and (row[2] or '') or false
  found[3 * at - 1] = is_dead and row[3] or '0'
  found[3 * at] = is_dead and row[4] or ''
end
return found
