-- In front of a step that lets something in: while memory is full it is refused as a whole. After a write that frees,
-- Redis lets a script write on without looking at its memory again; this one is looked at, and writes nothing.
redis.call('SETRANGE', K.ready(), 0, '')
