-- The next entries of the journal go to a copy of it, under their ids. Once the copy holds all, it takes the journal's
-- place: a stream keeps the bytes of deleted entries, and only a stream that never held them is free of them. Entries
-- appended meanwhile come later in the journal, so a later step copies them; what leaves the journal leaves the copy.
-- Gives 1 when the copy took the journal's place, else 0.
-- args: most
local journal, copy, limit = K.journal(), K.journal_copy(), tonumber(most)
local last = redis.call('XREVRANGE', copy, '+', '-', 'COUNT', 1)[1]
local rows = redis.call('XRANGE', journal, last and '(' .. last[1] or '-', '+', 'COUNT', limit)
for _, row in ipairs(rows) do
  redis.call('XADD', copy, row[1], unpack(row[2]))
end
if #rows == limit then
  return 0
end
if redis.call('EXISTS', copy) == 1 then
  redis.call('RENAME', copy, journal)
else
  redis.call('DEL', journal)
end
return 1
