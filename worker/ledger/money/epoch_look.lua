-- needs: epoch
-- Compares the epoch with what the caller remembers of it; begins the first one. A repeat gives the same.
-- Args: generation, id and sent as remembered (generation 0 = nothing is), an id for a new epoch.
-- Gives 1 where this ledger is behind, else 0; then generation, id and sent of the epoch.
local generation, id, sent = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
if generation == 0 and redis.call('HEXISTS', K.epoch(), 'generation') == 0 then
  redis.call('HSET', K.epoch(), 'generation', '1', 'id', ARGV[6])
end
return { behind(generation, id, sent) and '1' or '0', unpack(epoch()) }
