-- needs: memory, work, journal
-- dead -> out of the work; what was open is journalled as it stands.
-- ARGV: crm, object, id
-- Gives 1, or 0 when it is not dead.
local w = open_record(ARGV[3], ARGV[4], ARGV[5])
if w.f.s ~= 'dead' then
  return 0
end
for _, intent in ipairs(split(w.f.intents, '\n')) do
  journal(w.crm, w.object, w.id, w.f.run or '', intent)
end
enter_settled(w, remembered(w.crm, w.object, w.id))
return 1
