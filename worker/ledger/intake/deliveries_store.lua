-- needs: memory, work
-- New and changed rows are stored and are due as delivery work of every crm; the watermark moves with its page. Again
-- for the same page it changes nothing.
-- `watermark` '' stays as it is.
-- Gives how many rows were new and how many unchanged.
-- args: source, run, watermark, crms[], rows(id, digest, packed)
local new, unchanged = 0, 0
for id, digest, packed in rows() do
  if redis.call('HGET', K.seen(source), id) == digest then
    unchanged = unchanged + 1
  else
    new = new + 1
    redis.call('HSET', K.seen(source), id, digest)
    if #crms > 0 then
      redis.call('HSET', K.rows(), id, packed)
      redis.call('HSET', K.digests(), id, digest)
      redis.call('HSET', K.owing(), id, table.concat(crms, ','))
    end
    for _, crm in ipairs(crms) do
      add(crm, 'delivery', id, 'live', run, false, 0, '', 0)
    end
  end
end
if watermark ~= '' then
  redis.call('HSET', K.cursors(), 'delivered:' .. source, watermark)
end
return {new, unchanged}
