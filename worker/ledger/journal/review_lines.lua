-- Lines of proposals join the index, of those alone that still read as they did.
-- args: crm, object, rows(id, text, line)
for id, text, line in rows() do
  if redis.call('HGET', K.reviews(crm, object), id) == text then
    redis.call('HSET', K.reviews_lines(crm, object), id, line)
  end
end
redis.call('INCR', K.reviews_changes(crm, object))
