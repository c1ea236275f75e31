"""As much of Redis' keys and commands as the ledger uses, as plain data. ``test_keyspace.py`` holds it to a real Redis.

Values are what Redis keeps: text, hash, list, set, sorted set, stream. An empty one is not there. A reply is bytes, a
whole number, ``None``, ``OK`` or a list of these.
"""

from __future__ import annotations

import fnmatch
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

Reply: TypeAlias = Any
Args: TypeAlias = tuple[bytes, ...]


class Ok:
    """The status reply."""


OK: Final = Ok()


class RefusedError(Exception):
    """Holds what Redis answers with an error."""


class Hash(dict[bytes, bytes]):
    """Fields in the order they came."""


class Members(dict[bytes, None]):
    """A set, in the order its members came."""


class Items(list[bytes]):
    """A list."""


class Entries(dict[tuple[int, int], list[bytes]]):
    """A stream: (ms, sequence) -> field, value, field, value ..."""

    last = (0, 0)


class Scores(dict[bytes, float]):
    """A sorted set."""

    def __init__(self) -> None:
        super().__init__()
        self.ordered: list[tuple[float, bytes]] | None = []

    def order(self) -> list[tuple[float, bytes]]:
        """All (score, member), lowest first."""
        if self.ordered is None:
            self.ordered = sorted((score, member) for member, score in self.items())
        return self.ordered

    def within(self, low: bytes, high: bytes) -> list[tuple[float, bytes]]:
        """Those from ``low`` to ``high``, each perhaps after a bracket that leaves it out."""
        order = self.order()
        first, last = float(low.lstrip(b"(")), float(high.lstrip(b"("))
        begin = bisect_right(order, first, key=_score) if low[:1] == b"(" else bisect_left(order, first, key=_score)
        end = bisect_left(order, last, key=_score) if high[:1] == b"(" else bisect_right(order, last, key=_score)
        return order[begin:end]


_Kind = TypeVar("_Kind", bytes, Hash, Members, Items, Entries, Scores)
_WRONG = "WRONGTYPE Operation against a key holding the wrong kind of value"


class Keyspace:
    """One database. ``now`` (ms) is set by whoever runs commands; ``on_expiry`` is told of keys whose time is over."""

    def __init__(self) -> None:
        self.now = 0
        self.on_expiry: Callable[[bytes], None] = lambda _key: None
        self._values: dict[bytes, Any] = {}
        self._ends: dict[bytes, int] = {}

    # ---- values --------------------------------------------------------------------------------------------------

    def find(self, key: bytes, kind: type[_Kind]) -> _Kind | None:
        """Returns what is there."""
        value = self._values.get(key)
        if value is None or (key in self._ends and self.expired(key)):
            return None
        if value.__class__ is not kind:
            raise RefusedError(_WRONG)
        return value

    def made(self, key: bytes, kind: type[_Kind]) -> _Kind:
        """Returns what is there, or a new one."""
        value = self.find(key, kind)
        if value is None:
            value = self._values[key] = kind()
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Text, in the place of whatever was there."""
        self._values[key] = value

    def drop(self, key: bytes) -> bool:
        """Whether it was there."""
        there = self.there(key)
        if there:
            self._forget(key)
        return there

    def tidy(self, key: bytes, value: Any) -> None:
        """Nothing empty is kept."""
        if not value:
            self._forget(key)

    def there(self, key: bytes) -> bool:
        """Whether a key is there, whatever it holds."""
        return key in self._values and not (key in self._ends and self.expired(key))

    def value(self, key: bytes) -> object:
        """Returns what a key holds, whatever it is."""
        return self._values[key]

    def all(self) -> list[bytes]:
        """All of them."""
        return [key for key in list(self._values) if self.there(key)]

    def rename(self, key: bytes, to: bytes) -> None:
        """Time to live and all."""
        if not self.there(key):
            raise RefusedError("ERR no such key")
        self._forget(to)
        self._values[to] = self._values.pop(key)
        if key in self._ends:
            self._ends[to] = self._ends.pop(key)

    def expire(self, key: bytes, ms: int | None) -> bool:
        """Let it end in so many ms, or never; whether that changed anything."""
        if not self.there(key):
            return False
        if ms is None:
            return self._ends.pop(key, None) is not None
        if ms <= 0:
            self._forget(key)
        else:
            self._ends[key] = self.now + ms
        return True

    def expired(self, key: bytes) -> bool:
        """Whether its time is over; then it is gone."""
        if self._ends[key] > self.now:
            return False
        self._forget(key)
        self.on_expiry(key)
        return True

    def _forget(self, key: bytes) -> None:
        self._values.pop(key, None)
        self._ends.pop(key, None)


# ---- text and keys -------------------------------------------------------------------------------------------------


def _get(space: Keyspace, args: Args) -> Reply:
    return space.find(args[0], bytes)


def _set(space: Keyspace, args: Args) -> Reply:
    key, value, *options = args
    if b"NX" in options and space.there(key):
        return None
    space.put(key, value)
    space.expire(key, int(options[options.index(b"PX") + 1]) if b"PX" in options else None)
    return OK


def _add(space: Keyspace, key: bytes, by: int) -> int:
    total = int(space.find(key, bytes) or 0) + by
    space.put(key, b"%d" % total)
    return total


def _scan(space: Keyspace, args: Args) -> Reply:
    return [key for key in space.all() if fnmatch.fnmatchcase(key.decode("latin-1"), args[0].decode())]


def _rename(space: Keyspace, args: Args) -> Reply:
    space.rename(args[0], args[1])
    return OK


def _time(space: Keyspace, _: Args) -> Reply:
    return [b"%d" % (space.now // 1000), b"%d" % (space.now % 1000 * 1000)]


# ---- hashes --------------------------------------------------------------------------------------------------------


def _hset(space: Keyspace, args: Args) -> Reply:
    row = space.made(args[0], Hash)
    before = len(row)
    row.update(zip(args[1::2], args[2::2], strict=True))
    return len(row) - before


def _hsetnx(space: Keyspace, args: Args) -> Reply:
    row = space.made(args[0], Hash)
    if args[1] in row:
        return 0
    row[args[1]] = args[2]
    return 1


def _hget(space: Keyspace, args: Args) -> Reply:
    row = space.find(args[0], Hash)
    return None if row is None else row.get(args[1])


def _hmget(space: Keyspace, args: Args) -> Reply:
    row = space.find(args[0], Hash)
    return [None] * (len(args) - 1) if row is None else [row.get(name) for name in args[1:]]


def _hgetall(space: Keyspace, args: Args) -> Reply:
    row = space.find(args[0], Hash)
    return [part for pair in row.items() for part in pair] if row else []


def _hdel(space: Keyspace, args: Args) -> Reply:
    row = space.find(args[0], Hash)
    if row is None:
        return 0
    gone = sum(row.pop(name, None) is not None for name in args[1:])
    space.tidy(args[0], row)
    return gone


def _hincrby(space: Keyspace, args: Args) -> Reply:
    by = int(args[2])
    row = space.made(args[0], Hash)
    total = int(row.get(args[1], 0)) + by
    row[args[1]] = b"%d" % total
    return total


# ---- sets and lists ------------------------------------------------------------------------------------------------


def _sadd(space: Keyspace, args: Args) -> Reply:
    members = space.made(args[0], Members)
    before = len(members)
    members.update(dict.fromkeys(args[1:]))
    return len(members) - before


def _srem(space: Keyspace, args: Args) -> Reply:
    members = space.find(args[0], Members)
    if members is None:
        return 0
    before = len(members)
    for name in args[1:]:
        members.pop(name, None)
    gone = before - len(members)
    space.tidy(args[0], members)
    return gone


def _rpush(space: Keyspace, args: Args) -> Reply:
    items = space.made(args[0], Items)
    items += args[1:]
    return len(items)


def _lrange(space: Keyspace, args: Args) -> Reply:
    return _part(space.find(args[0], Items) or [], args[1], args[2])


def _lrem(space: Keyspace, args: Args) -> Reply:
    items, count = space.find(args[0], Items), int(args[1])
    if items is None:
        return 0
    if count < 0:
        raise NotImplementedError
    gone = 0
    while args[2] in items and (count == 0 or gone < count):
        items.remove(args[2])
        gone += 1
    space.tidy(args[0], items)
    return gone


def _part(row: list[Any], first: bytes, last: bytes) -> list[Any]:
    begin, end = int(first), int(last)
    begin = max(0, begin + len(row)) if begin < 0 else begin
    end = end + len(row) if end < 0 else end
    return row[begin : end + 1]


# ---- sorted sets ---------------------------------------------------------------------------------------------------


def _score(pair: tuple[float, bytes]) -> float:
    return pair[0]


def _text(score: float) -> bytes:
    return b"%d" % score if score.is_integer() else repr(score).encode()


def _pairs(found: list[tuple[float, bytes]], *, scores: bool) -> list[bytes]:
    return [part for score, name in found for part in ((name, _text(score)) if scores else (name,))]


def _zadd(space: Keyspace, args: Args) -> Reply:
    scores = space.made(args[0], Scores)
    before, scores.ordered = len(scores), None
    for score, member in zip(args[1::2], args[2::2], strict=True):
        scores[member] = float(score)
    return len(scores) - before


def _zrem(space: Keyspace, args: Args) -> Reply:
    scores = space.find(args[0], Scores)
    if scores is None:
        return 0
    gone = sum(scores.pop(name, None) is not None for name in args[1:])
    if gone:
        scores.ordered = None
        space.tidy(args[0], scores)
    return gone


def _zscore(space: Keyspace, args: Args) -> Reply:
    scores = space.find(args[0], Scores)
    score = None if scores is None else scores.get(args[1])
    return None if score is None else _text(score)


def _zcount(space: Keyspace, args: Args) -> Reply:
    scores = space.find(args[0], Scores)
    return 0 if scores is None else len(scores.within(args[1], args[2]))


def _zrange(space: Keyspace, args: Args) -> Reply:
    scores = space.find(args[0], Scores)
    return [] if scores is None else _pairs(_part(scores.order(), args[1], args[2]), scores=b"WITHSCORES" in args)


def _zrangebyscore(space: Keyspace, args: Args) -> Reply:
    scores = space.find(args[0], Scores)
    if scores is None:
        return []
    found = scores.within(args[1], args[2])
    if b"LIMIT" in args:
        at = args.index(b"LIMIT")
        found, count = found[int(args[at + 1]) :], int(args[at + 2])
        found = found if count < 0 else found[:count]
    return _pairs(found, scores=b"WITHSCORES" in args)


def _zremrangebyscore(space: Keyspace, args: Args) -> Reply:
    scores = space.find(args[0], Scores)
    found = [] if scores is None else scores.within(args[1], args[2])
    return _zrem(space, (args[0], *(name for _, name in found))) if found else 0


# ---- streams -------------------------------------------------------------------------------------------------------

_PER_MS = 2**64
_FIRST, _LAST = (0, 0), (_PER_MS, 0)


def _xadd(space: Keyspace, args: Args) -> Reply:
    stream, at = space.made(args[0], Entries), _at(args[1])
    if at <= stream.last:
        raise RefusedError("ERR The ID specified in XADD is equal or smaller than the target stream top item")
    stream[at] = list(args[2:])
    stream.last = at
    return args[1]


def _xdel(space: Keyspace, args: Args) -> Reply:
    stream = space.find(args[0], Entries)
    return 0 if stream is None else sum(stream.pop(_at(name), None) is not None for name in args[1:])


def _xrange(space: Keyspace, args: Args) -> Reply:
    low, high = _at(args[1]), _at(args[2], last=True)
    stream: Mapping[tuple[int, int], list[bytes]] = space.find(args[0], Entries) or {}
    found = [[b"%d-%d" % at, list(row)] for at, row in stream.items() if low <= at <= high]
    return found[: int(args[4])] if len(args) > 3 else found


def _xrevrange(space: Keyspace, args: Args) -> Reply:
    found: list[Any] = _xrange(space, (args[0], args[2], args[1]))
    found.reverse()
    return found[: int(args[4])] if len(args) > 3 else found


def _at(name: bytes, *, last: bool = False) -> tuple[int, int]:
    """Places an id, or the one next to it when a bracket leaves it out; without a sequence all of its ms."""
    if name in {b"-", b"+"}:
        return _FIRST if name == b"-" else _LAST
    ms, _, sequence = name.lstrip(b"(").partition(b"-")
    at = int(ms) * _PER_MS + (int(sequence) if sequence else _PER_MS - 1 if last else 0)
    if name.startswith(b"("):
        at += -1 if last else 1
    return divmod(at, _PER_MS)


def _setrange(space: Keyspace, args: Args) -> Reply:
    """Only as the scripts use it: no characters, into a key that is never there."""
    if args[2] or space.there(args[0]):
        raise NotImplementedError("SETRANGE with characters")
    return 0


COMMANDS: Final[dict[bytes, Callable[[Keyspace, Args], Reply]]] = {
    b"GET": _get,
    b"SET": _set,
    b"SETRANGE": _setrange,
    b"INCR": lambda space, args: _add(space, args[0], 1),
    b"DECR": lambda space, args: _add(space, args[0], -1),
    b"DECRBY": lambda space, args: _add(space, args[0], -int(args[1])),
    b"DEL": lambda space, args: sum(space.drop(key) for key in args),
    b"EXISTS": lambda space, args: sum(space.there(key) for key in args),
    b"KEYS": _scan,
    b"SCAN": lambda space, args: [b"0", _scan(space, args[2:])],
    b"RENAME": _rename,
    b"EXPIRE": lambda space, args: int(space.expire(args[0], int(args[1]) * 1000)),
    b"PEXPIRE": lambda space, args: int(space.expire(args[0], int(args[1]))),
    b"PERSIST": lambda space, args: int(space.expire(args[0], None)),
    b"TIME": _time,
    b"BGREWRITEAOF": lambda _space, _args: OK,
    b"HSET": _hset,
    b"HSETNX": _hsetnx,
    b"HGET": _hget,
    b"HMGET": _hmget,
    b"HGETALL": _hgetall,
    b"HKEYS": lambda space, args: list(space.find(args[0], Hash) or ()),
    b"HVALS": lambda space, args: list((space.find(args[0], Hash) or {}).values()),
    b"HLEN": lambda space, args: len(space.find(args[0], Hash) or ()),
    b"HEXISTS": lambda space, args: int(args[1] in (space.find(args[0], Hash) or ())),
    b"HDEL": _hdel,
    b"HINCRBY": _hincrby,
    b"HSCAN": lambda space, args: [b"0", _hgetall(space, args)],
    b"SADD": _sadd,
    b"SREM": _srem,
    b"SMEMBERS": lambda space, args: list(space.find(args[0], Members) or ()),
    b"SISMEMBER": lambda space, args: int(args[1] in (space.find(args[0], Members) or ())),
    b"RPUSH": _rpush,
    b"LRANGE": _lrange,
    b"LREM": _lrem,
    b"ZADD": _zadd,
    b"ZREM": _zrem,
    b"ZSCORE": _zscore,
    b"ZCARD": lambda space, args: len(space.find(args[0], Scores) or ()),
    b"ZCOUNT": _zcount,
    b"ZRANGE": _zrange,
    b"ZRANGEBYSCORE": _zrangebyscore,
    b"ZREMRANGEBYSCORE": _zremrangebyscore,
    b"XADD": _xadd,
    b"XDEL": _xdel,
    b"XLEN": lambda space, args: len(space.find(args[0], Entries) or ()),
    b"XRANGE": _xrange,
    b"XREVRANGE": _xrevrange,
}
