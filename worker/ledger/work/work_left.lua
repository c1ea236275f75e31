-- needs: memory, work
-- The records of a person's run that are in the work, by state, note, lane, providers waited for and credits needed
-- there. Changes nothing.
-- Gives per group: state, note, lane, providers, needs, ms at which the first of them goes on by itself: is due, or waits
-- no longer (0 = none does), and how many records
-- args: crm, object, run, first, most
first, most = tonumber(first), tonumber(most)
local ids = redis.call('ZRANGE', K.open(crm, object, run), first, first + most - 1)
local groups, order = {}, {}
for _, id in ipairs(ids) do
  local w = open_record(crm, object, id)
  local at
  if w.f.s == 'due' then
    at = redis.call('ZSCORE', K.due(crm, object, due_lane(w)), id)
  elseif w.f.s == 'waiting' then
    at = redis.call('ZSCORE', K.latest(), ref_of(w))
  end
  local words = { w.f.s, w.f.note or '', w.f.lane, w.f.providers or '', w.f.needs or '' }
  local name = table.concat(words, '\n')
  if not groups[name] then
    groups[name] = { words = words, soonest = math.huge, records = 0 }
    order[#order + 1] = name
  end
  local group = groups[name]
  group.soonest = math.min(group.soonest, at and tonumber(at) or math.huge)
  group.records = group.records + 1
end
local found = {}
for _, name in ipairs(order) do
  local group = groups[name]
  local row = group.words
  row[#row + 1] = group.soonest == math.huge and '0' or int(group.soonest)
  row[#row + 1] = group.records
  found[#found + 1] = row
end
return found
