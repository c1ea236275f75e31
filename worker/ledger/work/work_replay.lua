-- needs: begins, memory, work
-- Any state -> due now, past the fingerprint and with all attempts before it; a leased record is visited again.
-- With `reopen` (1) refused fields are open again; `undo` are journal keys of changes to take back, comma-separated.
-- args: crm, object, id, run, reopen, undo
local w = open_record(crm, object, id)
local s = w.f.s
if reopen == '1' then
  put(w, 'reopen', 'asked')
end
if undo ~= '' then
  local keys = string.match(w.f.undo or '', '|(.*)$')
  put(w, 'undo', 'asked|' .. (keys and keys .. ',' or '') .. undo)
end
if s == 'leased' then
  put(w, 'revisit', '!')
  take(w, run, true)
  save(w)
  return 1
end
if not s then
  put(w, 'forced', '1')
  create(w, 'live', run, remembered(w.crm, w.object, w.id))
  return 1
end
leave(w)
put(w, 's', nil)
put(w, 'lane', 'live')
put(w, 'attempts', nil)
put(w, 'crashes', nil)
put(w, 'forced', '1')
take(w, run, true)
enter_due(w, now)
return 1
