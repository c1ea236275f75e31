-- needs: ends, creations
-- created: any live state -> created, the keys point to the row. released: reserved | sent -> released. unknown:
-- reserved | sent -> unknown. absent: unknown -> absent, the keys are free. Gives the state it is in after; a repeat
-- gives the same. Token '' is somebody else's read of an unknown one. `word` is the row, or the cause.
-- args: id, token, event, word
local creation = hash(K.creation(id))
if not creation.state or (token ~= creation.token and not (token == '' and creation.state == 'unknown')) then
  return creation.state and token == '' and creation.state or 'refused'
end
local live = creation.state == 'reserved' or creation.state == 'sent'
if event == 'created' and creation.state ~= 'created' then
  creation.row = word
  redis.call('HSET', K.creation(id), 'row', creation.row)
  finish(id, creation, 'created', '')
elseif event == 'released' and live then
  finish(id, creation, 'released', word)
elseif event == 'unknown' and live then
  doubt(id, creation, word)
elseif event == 'absent' and creation.state == 'unknown' then
  finish(id, creation, 'absent', word)
end
return creation.state
