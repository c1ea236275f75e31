-- Runs a script once for each row. ARGV holds each row's count of values and the values.
-- The part that all rows share runs once, with the values of the first.
-- A row's reply of nil would end the list of replies. An error that a row raises is its reply: Redis' own errors bear a code.
local ROWS, ARGV = ARGV, { unpack(ARGV, 2, 1 + ARGV[1]) }
--[[shared]]
local function step(ARGV)
--[[script]]
end

local replies, at = {}, 1
while at <= #ROWS do
  local row, count = {}, tonumber(ROWS[at])
  for i = 1, count do
    row[i] = ROWS[at + i]
  end
  at = at + count + 1
  local ran, reply = pcall(step, row)
  if not ran then
    local why = type(reply) == 'table' and reply.err or tostring(reply)
    reply = { err = string.match(why, '^[A-Z]+ ') and why or 'ERR ' .. why }
  end
  if reply == nil then
    reply = false
  end
  replies[#replies + 1] = reply
end
return replies
