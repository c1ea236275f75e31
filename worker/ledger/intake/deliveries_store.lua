-- needs: memory, work
-- New and changed rows are stored and are due as delivery work of every crm; the watermark moves with its page. Again
-- for the same page it changes nothing.
-- ARGV: source, run, watermark ('' = stays), crms as count and values, then per row key, digest, packed
-- Gives how many rows were new and how many unchanged.
local source, run, watermark = ARGV[3], ARGV[4], ARGV[5]
local crms, at = list(6)
local new, unchanged = 0, 0
for i = at, #ARGV, 3 do
  local id, digest = ARGV[i], ARGV[i + 1]
  if redis.call('HGET', K.seen(source), id) == digest then
    unchanged = unchanged + 1
  else
    new = new + 1
    redis.call('HSET', K.seen(source), id, digest)
    if #crms > 0 then
      redis.call('HSET', K.rows(), id, ARGV[i + 2])
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
