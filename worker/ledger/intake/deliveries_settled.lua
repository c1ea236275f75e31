-- A crm has a row; the last one's word drops it. Nothing happens for a content that was replaced meanwhile.
-- `digest` '' means any stored one.
-- Gives 1 when the row is no longer needed.
-- args: crm, id, digest
if digest ~= '' and redis.call('HGET', K.digests(), id) ~= digest then
  return redis.call('HEXISTS', K.rows(), id) == 0 and 1 or 0
end
local left = {}
for _, owing in ipairs(split(redis.call('HGET', K.owing(), id) or '', ',')) do
  if owing ~= crm then
    left[#left + 1] = owing
  end
end
if #left > 0 then
  redis.call('HSET', K.owing(), id, table.concat(left, ','))
  return 0
end
for _, key in ipairs({K.rows(), K.digests(), K.owing()}) do
  redis.call('HDEL', key, id)
end
return 1
