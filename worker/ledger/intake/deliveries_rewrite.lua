-- needs: ends
-- A row's text is replaced, unless it was dropped or another content came meanwhile. Its digest stays, so that the same
-- content is not taken for a new one. A repeat changes nothing.
-- Gives 1 when it was replaced.
-- args: key, digest, packed
if redis.call('HGET', K.digests(), key) ~= digest or redis.call('HEXISTS', K.rows(), key) == 0 then
  return 0
end
redis.call('HSET', K.rows(), key, packed)
return 1
