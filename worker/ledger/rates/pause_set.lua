-- needs: ends, rate
-- Pauses a target for a reason until its time (0 = until lifted); it keeps its beginning. A repeat changes nothing.
-- `why` is JSON text without its quotes; with `calls_pass` (1) only work waits.
-- args: target, reason, until_ms, why, calls_pass
pause(target, reason, tonumber(until_ms), false, why, calls_pass == '1')
return 1
