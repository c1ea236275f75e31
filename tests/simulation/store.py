"""The Redis of the simulation: keys in memory, the ledger's own Lua on Lua 5.1, and what a network does to it.

The scripts are the product's. Each is compiled once per process, and what ``redis.call`` does is done by
``keyspace.py`` without a server in between. That both do what Redis does is a test of its own: every step of some runs
is taken again on a real one, and every reply compared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped]  # it has no stubs
from redis._parsers.helpers import _RedisCallbacks, _RedisCallbacksRESP2
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

from tests.simulation.keyspace import COMMANDS, OK, Keyspace, RefusedError
from tests.simulation.loop import PROCESS
from tests.simulation.ports import TICKET, Ports
from worker.ledger.scripts import names, source

Step = tuple[str, Sequence[bytes], int, Any]  # what it was, its arguments, when (ms), and the reply

_lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
_compiled: dict[str, Any] = {}
_current: list[Keyspace] = []
_UNPACKED = 200  # more values than that cross as one table
# A list crosses as many values, which costs a tenth of a table that Python holds. A script's reply does, too: 0 and the
# reply, or 1 and what is in it up to the first nothing.
_SETUP = b"""
function(call)
  KEYS, ARGV = {}, {}
  local lists = {
    HGETALL = true, HKEYS = true, HMGET = true, HVALS = true, LRANGE = true, SMEMBERS = true, TIME = true,
    ZRANGE = true, ZRANGEBYSCORE = true,
  }
  redis = {
    call = function(name, ...)
      if not lists[name] then
        return call(name, ...)
      end
      local rows = { call(name, ...) }
      if type(rows[1]) == 'table' then
        return rows[1]
      end
      return rows
    end,
  }
  return function(script, ...)
    ARGV = { ... }
    local reply = script()
    if type(reply) ~= 'table' then
      return 0, reply
    end
    if reply.ok then
      return 0, reply.ok
    end
    local length = 0
    while reply[length + 1] ~= nil do
      length = length + 1
    end
    return 1, unpack(reply, 1, length)
  end
end
"""


def _call(name: bytes, *args: Any) -> Any:
    """``redis.call``: numbers become text as Redis writes them, and nothing becomes false."""
    for one in args:
        if one.__class__ is not bytes:
            args = tuple(part if part.__class__ is bytes else b"%.17g" % part for part in args)
            break
    result = COMMANDS[name](_current[0], args)
    kind = result.__class__
    if kind is bytes or kind is int:
        return result
    if result is None:
        return False
    if kind is list:
        if name in _STREAMS:
            return _nested(result)
        rows = tuple([False if one is None else one for one in result])
        return rows if len(rows) <= _UNPACKED else _lua.table_from(rows)
    return _lua.table_from({b"ok": b"OK"})


_run = _lua.eval(_SETUP)(_call)


_STREAMS = frozenset({b"XRANGE", b"XREVRANGE"})  # their rows have rows: they cross as tables of tables


def _nested(rows: list[Any]) -> Any:
    return _lua.table_from([_nested(one) if one.__class__ is list else one for one in rows])


def _reply(result: Any) -> Any:
    """Returns what a script gives, as Redis sends it."""
    if result.__class__ is not tuple:  # the 1 of a list with nothing in it
        return []
    kind, *values = result
    return [_value(one) for one in values] if kind else _value(values[0])


def _value(value: Any) -> Any:
    """One value of a reply: numbers lose their fraction, a table ends at its first nothing."""
    match value:
        case bytes():
            return value
        case None | False:
            return None
        case int() | float():
            return int(value)
    rows: list[Any] = []
    while (one := value[len(rows) + 1]) is not None:
        rows.append(_value(one))
    return rows


class Store:
    """One database. What it does it does at once and as a whole; ``tape`` is all that it did, once there is one."""

    def __init__(self) -> None:
        self._space = Keyspace()
        self.tape: list[Step] | None = None

    def script(self, text: str, args: Sequence[Any]) -> Any:
        """Run a script to its end."""
        function = _compiled.get(text)
        if function is None:
            function = _compiled[text] = _lua.eval(b"function() " + text.encode() + b"\nend")
        self._space.now = int(time.time() * 1_000_000) // 1000
        _current[:] = [self._space]
        values = _texts(args)
        try:
            result = _reply(_run(function, *values))
        except RefusedError as error:
            raise ResponseError(str(error)) from error
        if self.tape is not None:
            self.tape.append((text, values, self._space.now, result))
        return result

    def command(self, *parts: Any) -> Any:
        """Run one command."""
        name = str(parts[0]).upper()
        if name == "INFO":
            return _PERSISTENCE if parts[1:] == ("persistence",) else _INFO
        self._space.now = int(time.time() * 1_000_000) // 1000
        values = _texts(parts[1:])
        try:
            result = COMMANDS[name.encode()](self._space, values)
        except RefusedError as error:
            raise ResponseError(str(error)) from error
        result = b"OK" if result is OK else result
        if self.tape is not None:
            self.tape.append((name, values, self._space.now, result))
        return result

    def dump(self) -> Iterator[tuple[str, bytes]]:
        """Every key with the bytes that it holds."""
        for key in self._space.all():
            yield key.decode(), repr(self._space.value(key)).encode()

    def record(self) -> list[Step]:
        """From now on keep all steps; a key whose time is over is deleted in one."""
        tape: list[Step] = []
        self.tape = tape
        self._space.on_expiry = lambda key: tape.append(("DEL", [key], self._space.now, 1))
        return tape


def _texts(values: Sequence[Any]) -> tuple[bytes, ...]:
    return tuple([one if one.__class__ is bytes else str(one).encode() for one in values])


_INFO = b"redis_version:7.0.0\r\nused_memory:1000000\r\nmaxmemory:0\r\nused_memory_dataset:100000\r\n"
_PERSISTENCE = b"aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\nrdb_bgsave_in_progress:0\r\n"
_CALLBACKS: Mapping[str, Callable[[Any], Any]] = {**_RedisCallbacks, **_RedisCallbacksRESP2}


class Client:
    """Holds what one process holds in place of ``redis.asyncio.Redis``; it repeats lost calls as that one does."""

    RETRIES = 3

    def __init__(self, store: Store, ports: Ports) -> None:
        self._store, self._ports = store, ports
        self._rows = dict[str, list[_Row]]()  # by script: those that leave at the end of this turn
        self._sending = set[asyncio.Task[None]]()

    def register_script(self, text: str) -> _Script:
        return _Script(self, text)

    async def execute_command(self, *parts: Any) -> Any:
        return await self.do(f"redis.{str(parts[0]).lower()}", lambda: self.read(parts))

    def read(self, parts: Sequence[Any]) -> Any:
        """Returns what a command gives in the shape redis-py has for it."""
        result = self._store.command(*parts)
        callback = _CALLBACKS.get(str(parts[0]).upper())
        return callback(result) if callback is not None and result is not None else result

    def pipeline(self, *, transaction: bool = True) -> _Pipe:
        del transaction
        return _Pipe(self)

    def row(self, name: str, run: Callable[[], Any], hold_s: float) -> asyncio.Future[Any]:
        """Returns what a script gives. Equal ones are one step with a row each, as on a real client.

        They leave at the end of this turn, or when the first has waited for others for as long as it may.
        """
        loop = asyncio.get_running_loop()
        row = _Row(run, loop.create_future())
        rows = self._rows.setdefault(name, [])
        rows.append(row)
        if hold_s:
            loop.call_later(hold_s, self._leave, name, rows)
        else:
            loop.call_soon(self._leave, name, rows)
        return row.reply

    def _leave(self, name: str, rows: list[_Row]) -> None:
        if self._rows.get(name) is not rows:
            return  # they have left with one that was in more of a hurry
        task = asyncio.ensure_future(self._send(name, self._rows.pop(name)))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, name: str, rows: Sequence[_Row]) -> None:
        try:
            replies: Sequence[Any] = await self.do(name, lambda: [row.ran() for row in rows])
        except asyncio.CancelledError:
            for row in rows:
                row.reply.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            replies = [error] * len(rows)
        for row, reply in zip(rows, replies, strict=True):
            row.tell(reply)

    async def do(self, name: str, effect: Callable[[], Any]) -> Any:
        """One round trip.

        Raises:
            RedisConnectionError: all repeats were lost; it may have happened, and more than once.
        """
        for attempt in range(self.RETRIES + 1):
            fault = self._ports.store_fault(name)
            if fault in {"full", "read-only"}:
                await self._ports.pause(0.001)
                raise OutOfMemoryError("OOM") if fault == "full" else ReadOnlyError("READONLY")
            if fault == "away":
                await self._ports.pause(0.001)
            elif fault == "lost answer":
                await self._ports.round_trip(name, effect)
            else:
                return await self._ports.round_trip(name, effect)
            await self._ports.pause(0.05 * 2**attempt)
        raise RedisConnectionError("away")


@dataclass(frozen=True, slots=True)
class _Row:
    """One call of a script among equal ones: its reply or error is its own."""

    run: Callable[[], Any]
    reply: asyncio.Future[Any]

    def ran(self) -> Any:
        try:
            return self.run()
        except Exception as error:  # noqa: BLE001 - it is the caller's
            return error

    def tell(self, reply: Any) -> None:
        if self.reply.done():
            return
        if isinstance(reply, Exception):
            self.reply.set_exception(reply)
        else:
            self.reply.set_result(reply)


class _Script:
    def __init__(self, client: Client, text: str) -> None:
        self._client, self._text = client, text
        self._name = _name(text)

    async def __call__(self, keys: Sequence[str] = (), args: Sequence[Any] = (), client: Any = None) -> Any:
        assert client is None, "nobody queues scripts"
        assert not keys, "key names come from the arguments"
        return await self.begun(args)

    async def begun(self, args: Sequence[Any], hold_s: float = 0.0) -> Any:
        """Run the script together with others, which it waits for as long as it is told."""
        if self._name == "ticket_sent":
            TICKET.set(str(args[2]))
        result = await self._client.row(self._name, lambda: self._run(args), hold_s)
        if self._name == "work_claim" and result:
            self._client._ports.leased(PROCESS.get())
        return result

    def _run(self, args: Sequence[Any]) -> Any:
        result = self._client._store.script(self._text, args)
        self._client._ports.leases.saw(self._name, args, result)
        return result


@cache
def _name(text: str) -> str:
    """The script's file name: how the matrix speaks of it."""
    return next((name for name in names() if text.endswith(source(name))), "script")


class _Pipe:
    """Commands in one round trip, each a step of its own."""

    def __init__(self, client: Client) -> None:
        self._client, self._commands = client, list[tuple[Any, ...]]()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._commands.clear()

    def execute_command(self, *parts: Any) -> None:
        self._commands.append(parts)

    async def execute(self, *, raise_on_error: bool = True) -> list[Any]:
        del raise_on_error
        commands = list(self._commands)
        name = f"redis.{str(commands[0][0]).lower()}" if commands else "redis.none"
        return list(await self._client.do(name, lambda: [self._client.read(parts) for parts in commands]))


def flat(row: Any) -> Mapping[str, str]:
    """HGETALL as text."""
    pairs = row.items() if isinstance(row, dict) else zip(row[::2], row[1::2], strict=True)
    return {key.decode(): value.decode(errors="replace") for key, value in pairs}
