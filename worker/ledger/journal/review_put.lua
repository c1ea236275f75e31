-- A proposal is kept, or a person's word on it, and its line in the index of those that wait for a word.
-- Gives 1, or 0 where the index is not whole: a version before has kept proposals without lines.
-- args: crm, object, id, text, line
redis.call('HSET', K.reviews(crm, object), id, text)
redis.call('HSET', K.reviews_lines(crm, object), id, line)
redis.call('INCR', K.reviews_changes(crm, object))
return redis.call('HLEN', K.reviews(crm, object)) == redis.call('HLEN', K.reviews_lines(crm, object)) and 1 or 0
