-- needs: begins, memory, work
-- Any state -> due now, past the fingerprint and with all attempts before it; a leased record is visited again.
-- ARGV: crm, object, id, run, reopen (1: what was refused is open again), undo (journal keys of changes to take back,
--       comma-separated; '' = none)
local w = open_record(ARGV[3], ARGV[4], ARGV[5])
local s = w.f.s
if ARGV[7] == '1' then
  put(w, 'reopen', 'asked')
end
if ARGV[8] ~= '' then
  local keys = string.match(w.f.undo or '', '|(.*)$')
  put(w, 'undo', 'asked|' .. (keys and keys .. ',' or '') .. ARGV[8])
end
if s == 'leased' then
  put(w, 'revisit', '!')
  take(w, ARGV[6], true)
  save(w)
  return 1
end
if not s then
  put(w, 'forced', '1')
  create(w, 'live', ARGV[6], remembered(w.crm, w.object, w.id))
  return 1
end
leave(w)
put(w, 's', nil)
put(w, 'lane', 'live')
put(w, 'attempts', nil)
put(w, 'crashes', nil)
put(w, 'forced', '1')
take(w, ARGV[6], true)
enter_due(w, now)
return 1
