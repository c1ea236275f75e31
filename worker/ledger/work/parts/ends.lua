-- In front of a step that ends something, or brakes: it is let through while memory is full, so that what runs comes
-- to its end. It adds little, and no more than was begun. After a write that frees (here: nothing) Redis lets it.
redis.call('DEL', K.ready())
