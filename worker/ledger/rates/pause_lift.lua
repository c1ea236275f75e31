-- needs: rate
-- Lifts one reason of a target. Gives whether it existed.
-- args: target, reason
return lift(target, reason)
