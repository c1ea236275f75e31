-- needs: tickets
-- A free read told what is left: an instant of the balance, if nothing was in flight and no call was sent since `calls`.
-- Args: provider, credits left, calls sent before the read. Gives 1, or 0 when it proves nothing.
local provider = ARGV[3]
if not calm(provider) or (redis.call('HGET', K.balance(provider), 'calls') or '0') ~= ARGV[5] then
  return 0
end
balanced(provider, ARGV[4])
return 1
