"""Reaches the Redis that everything is kept in: your own, or the embedded one."""
