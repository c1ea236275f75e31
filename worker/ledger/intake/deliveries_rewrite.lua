-- needs: ends
-- A row's text is replaced, unless it was dropped or another content came meanwhile. Its digest stays, so that the same
-- content is not taken for a new one. A repeat changes nothing.
-- ARGV: key, digest, packed
-- Gives 1 when it was replaced.
if redis.call('HGET', K.digests(), ARGV[3]) ~= ARGV[4] or redis.call('HEXISTS', K.rows(), ARGV[3]) == 0 then
  return 0
end
redis.call('HSET', K.rows(), ARGV[3], ARGV[5])
return 1
