-- Whom the end of a ticket concerns is made due by the step that ends it. A record that took the lookup for a miss may
-- have settled: if its process died before a second step, nothing would bring it back.
local function with_waiters(answer)
  for at = 3, #answer do
    wake(answer[at])
  end
  return answer
end
