-- A proposal is kept, or a person's word on it, and its line in the index of those that wait for a word.
-- Gives 1, or 0 if the index is incomplete: an earlier version has kept proposals without lines.
-- args: crm, object, id, text, line
redis.call('HSET', K.reviews(crm, object), id, text)
redis.call('HSET', K.reviews_lines(crm, object), id, line)
redis.call('INCR', K.reviews_changes(crm, object))
return redis.call('HLEN', K.reviews(crm, object)) == redis.call('HLEN', K.reviews_lines(crm, object)) and 1 or 0
