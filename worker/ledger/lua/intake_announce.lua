-- needs: memory, work
-- What one post announces, of whatever crms and objects: nothing, due, leased, waiting -> due; dead stays dead. One
-- step: the sender hears of success only when all of it is in the work. Asked again, rows coalesce.
-- ARGV: per group crm, object, run, how many rows, then per row id, stamp, erase (1: the person asks to be forgotten)
-- Gives how many were added, coalesced and ignored.
local counted = {added = 0, coalesced = 0, ignored = 0}
local at = 3
while ARGV[at] do
  local crm, object, run, rows = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  at = at + 4
  for _ = 1, rows do
    if ARGV[at + 2] == '1' then
      redis.call('HSET', K.erasures(), crm .. ':' .. object .. ':' .. ARGV[at], int(now))
    end
    local outcome = add(crm, object, ARGV[at], 'live', run, false, tonumber(ARGV[at + 1]), '', 0)
    counted[outcome] = counted[outcome] + 1
    at = at + 3
  end
  redis.call('HINCRBY', K.announced(), crm .. '|' .. object, rows)
end
return {counted.added, counted.coalesced, counted.ignored}
