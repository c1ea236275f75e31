-- needs: epoch
-- Compares the epoch with the caller's memory of it; begins the first one. A repeat gives the same.
-- `generation`, `id` and `sent` are as remembered (generation 0 = nothing is), `new_id` is for a new epoch.
-- args: generation, id, sent, new_id
-- Gives 1 if this ledger is behind, else 0; then generation, id and sent of the epoch.
generation, sent = tonumber(generation), tonumber(sent)
if generation == 0 and redis.call('HEXISTS', K.epoch(), 'generation') == 0 then
  redis.call('HSET', K.epoch(), 'generation', '1', 'id', new_id)
end
local known = epoch()
return { behind(known, generation, id, sent) and '1' or '0', unpack(known) }
