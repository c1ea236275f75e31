-- needs: rate
-- One reason of a target stands no more. Gives whether it did.
-- args: target, reason
return lift(target, reason)
