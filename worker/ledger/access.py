"""Writes the rule for Refill's user of a Redis: only its keys and the commands that it sends.

``docs/redis.md`` shows it, and the suite runs under it: a command that is missing here fails a test.
"""

from __future__ import annotations

from worker.ledger.keys import PREFIX

KEYS = (f"{PREFIX}*", "arq:*")
COMMANDS: dict[str, str] = {
    "connection": "auth hello ping select",
    "scripts": "eval evalsha script|exists script|load",
    "steps": "discard exec multi unwatch watch",
    "server": "bgrewriteaof bgsave dbsize info time waitaof",
    "strings": "decr decrby get incr incrby psetex set setrange",
    "keys": "del exists expire persist pexpire rename scan",
    "hashes": "hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hsetnx hvals",
    "lists": "lrange lrem rpush",
    "sets": "sadd sismember smembers srem",
    "sorted sets": "zadd zcard zcount zincrby zrange zrangebyscore zrem zremrangebyrank zremrangebyscore zscore",
    "streams": "xadd xdel xlen xrange xrevrange",
}


SINCE = {"waitaof": (7, 2)}  # a server takes no rule that names a command it does not know


def rule(version: tuple[int, ...]) -> list[str]:
    """Returns the words of ``ACL SETUSER`` after the user's name and password, for a server of this version."""
    commands = [one for group in COMMANDS.values() for one in group.split() if version >= SINCE.get(one, ())]
    return ["resetkeys", *(f"~{key}" for key in KEYS), "resetchannels", "-@all", *(f"+{one}" for one in commands)]
