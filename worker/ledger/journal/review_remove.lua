-- Deletes a proposal and its line. Nothing changes if there was none.
-- args: crm, object, id
redis.call('HDEL', K.reviews_lines(crm, object), id)
if redis.call('HDEL', K.reviews(crm, object), id) == 1 then
  redis.call('INCR', K.reviews_changes(crm, object))
end
