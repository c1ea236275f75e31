-- needs: begins, memory, work
-- urgent: senders wait for it, whose posts the web process gathers
-- Records that one post announces, of any crms and objects: nothing, due, leased, waiting -> due; dead stays dead. One
-- step: the sender hears of success only when all of it is in the work. Asked again, rows coalesce.
-- A post holds up to a hundred rows, so those that are new to the work go there together.
-- A signed post is known by a mark, and its rows count the first time only: a replay changes nothing.
-- `marks_ms` is how long marks are known, `most_marks` how many. A group's rows are one text, each of them
-- "id stamp erase;" (erase 1: the person asks to be forgotten) or "mark 0 2;": what follows is that post's ("-":
-- of posts without a mark)
-- Gives how many were added, coalesced, ignored and left out as a replay's.
-- args: marks_ms, most_marks, groups(crm, object, run, text)
local counted = {added = 0, coalesced = 0, ignored = 0}
local at, replayed, replays = int(now), 0, {}
local function is_replay(mark)
  if mark == '-' then
    return false
  end
  if replays[mark] == nil then
    local came = redis.call('ZSCORE', K.marks(), mark)
    replays[mark] = came and tonumber(came) > at - marks_ms or false
    if not replays[mark] then
      redis.call('ZADD', K.marks(), at, mark)
    end
  end
  return replays[mark]
end
for crm, object, run, text in groups() do
  local fresh, settled, rows, seen, left_out, replay = {}, 0, 0, {}, 0, false
  local record_of = K.record(crm, object, '')
  for id, stamp, erase in string.gmatch(text, '([^ ;]+) (%d+) ([012]);') do
    if erase == '2' then
      replay = is_replay(id)
    elseif replay then
      left_out = left_out + 1
    else
      rows = rows + 1
      if erase == '1' then
        redis.call('HSET', K.erasures(), crm .. ':' .. object .. ':' .. id, at)
      end
      local held = seen[id] and {} or redis.call('HMGET', record_of .. id, 's', 'lane', 'run')
      local is_theirs = held[3] and held[3] ~= '' and not by_person(held[3])
      if held[1] == 'due' and held[2] == 'live' and is_theirs and not by_person(run) then
        counted.coalesced = counted.coalesced + 1 -- as add would, which reads all that is known of a record
      elseif seen[id] or held[1] or by_person(run) then
        local outcome = add(crm, object, id, 'live', run, false, tonumber(stamp), '', 0)
        counted[outcome] = counted[outcome] + 1
      else
        local memory = remembered(crm, object, id)
        if memory and known(memory, tonumber(stamp), '') then
          counted.ignored = counted.ignored + 1
        else
          settled = settled + (memory and 1 or 0)
          redis.call('HSET', record_of .. id, 's', 'due', 'lane', 'live', 'run', run)
          fresh[#fresh + 1] = at
          fresh[#fresh + 1] = id
          seen[id] = true
        end
      end
    end
  end
  if #fresh > 0 then
    redis.call('SADD', K.works(), crm .. ':' .. object)
    for first = 1, #fresh, 2000 do -- Lua unpacks a few thousand values at most
      redis.call('ZADD', K.due(crm, object, 'live'), unpack(fresh, first, math.min(first + 1999, #fresh)))
    end
    counted.added = counted.added + #fresh / 2
    if settled > 0 then
      redis.call('DECRBY', K.settled(crm, object), settled)
    end
  end
  if rows > 0 then
    redis.call('HINCRBY', K.announced(), crm .. '|' .. object, rows)
  end
  if left_out > 0 then
    redis.call('HINCRBY', K.replayed(), crm .. '|' .. object, left_out)
    replayed = replayed + left_out
  end
end
if next(replays) then -- last: after a write that frees, Redis lets a script write on though memory is full
  redis.call('ZREMRANGEBYSCORE', K.marks(), '-inf', at - marks_ms)
  redis.call('ZREMRANGEBYRANK', K.marks(), 0, -1 - most_marks)
end
return {counted.added, counted.coalesced, counted.ignored, replayed}
