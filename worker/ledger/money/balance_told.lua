-- needs: tickets
-- A free read gave the balance: an instant of it, if nothing was in flight and no call was sent since `calls`.
-- Gives 1, or 0 when it proves nothing.
-- args: provider, left, calls
if not calm(provider) or (redis.call('HGET', K.balance(provider), 'calls') or '0') ~= calls then
  return 0
end
balanced(provider, left)
return 1
