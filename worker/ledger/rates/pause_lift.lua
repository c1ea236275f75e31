-- needs: rate
-- One reason of a target stands no more. Gives whether it did. Args: target, reason.
return lift(ARGV[3], ARGV[4])
