-- needs: ends, rate
-- A reason stands on a target until its time (0 = until lifted); it keeps the time it began. A repeat changes nothing.
-- Args: target, reason, until (ms, 0), why (JSON text without its quotes), 1 when calls pass and only work waits.
pause(ARGV[3], ARGV[4], tonumber(ARGV[5]), false, ARGV[6], ARGV[7] == '1')
return 1
