-- Tells what the ledger knows of records, without a step for any of them. Gives for each what is remembered of it, our values
-- in it ('' each where there are none) and where it is in the work ('' = nowhere). A repeat gives the same.
-- args: crm, object, ids[]
local found = {}
for _, id in ipairs(ids) do
  local place = bucket_of(id)
  found[#found + 1] = redis.call('HGET', K.memory(crm, object, place), id) or ''
  found[#found + 1] = redis.call('HGET', K.own(crm, object, place), id) or ''
  found[#found + 1] = redis.call('HGET', K.record(crm, object, id), 's') or ''
end
return found
