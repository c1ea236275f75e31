"""The Redis of the simulation: fakeredis with the ledger's own Lua, without sockets, and what a network does to it.

The scripts are the product's. Only their way to Lua is shorter than fakeredis's own (each is compiled once per process,
and nothing collects garbage after every call), which makes a run ten times faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import redis
from fakeredis._core import FakeServer
from fakeredis._helpers import SimpleError, SimpleString
from fakeredis._socket._fakesocket import FakeSocket
from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped]  # it has no stubs
from redis._parsers.helpers import _RedisCallbacks, _RedisCallbacksRESP2
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError

from tests.simulation.loop import PROCESS
from tests.simulation.ports import TICKET, Ports

Mutate = Callable[[str], str]

_lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
_compiled: dict[str, Any] = {}
_commands: dict[bytes, tuple[str, Any]] = {}
_current: list[FakeSocket] = []
_SETUP = b"""
function(call)
  redis = { call = call }
  KEYS, ARGV = {}, {}
  return function(keys, argv) KEYS, ARGV = keys, argv end
end
"""


def _argument(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    if type(value) in {int, float}:
        return f"{value:.17g}".encode()
    raise TypeError("scripts pass strings and numbers")


def _to_lua(result: Any) -> Any:
    match result:
        case bytes() | int():
            return result
        case None:
            return False
        case SimpleError():
            raise result
        case SimpleString():
            return _lua.table_from({b"ok": result.value})
        case dict():
            return _lua.table_from([_to_lua(part) for pair in result.items() for part in pair])
        case list():
            return _lua.table_from([_to_lua(part) for part in result])
        case _:
            return _current[0]._convert_redis_result(_lua, result)


def _call(op: bytes, *args: Any) -> Any:
    socket = _current[0]
    name = op.decode().lower()
    func, sig = socket._name_to_func(name)
    return _to_lua(socket._run_command(func, sig, [_argument(arg) for arg in args], True))


_arguments = _lua.eval(_SETUP)(_call)


class Store:
    """One database. What it does it does at once and as a whole."""

    def __init__(self, mutate: Mutate = lambda text: text) -> None:
        self._server = FakeServer(version=(7,))
        self._socket = FakeSocket(self._server, 0, client_class=redis.Redis)
        self._mutate = mutate
        self._server.lock.acquire()  # nobody else has this server, and its commands expect the lock to be held

    def script(self, text: str, args: Sequence[Any], keys: Sequence[str] = ()) -> Any:
        """Run a script to its end."""
        function = _compiled.get(text)
        if function is None:
            function = _compiled[text] = _lua.eval(b"function() " + self._mutate(text).encode() + b"\nend")
        self._tick()
        _current[:] = [self._socket]
        _arguments(
            _lua.table_from([_bytes(key) for key in keys]), _lua.table_from([_bytes(argument) for argument in args])
        )
        try:
            return self._socket._decode_result(self._socket._convert_lua_result(function(), nested=False))
        except SimpleError as error:
            raise ResponseError(error.value) from error

    def command(self, *parts: Any) -> Any:
        """Run one command."""
        if str(parts[0]).upper() == "INFO":
            return _INFO
        self._tick()
        func, sig = self._socket._name_to_func(str(parts[0]).lower())
        result = self._socket._run_command(func, sig, [_bytes(part) for part in parts[1:]], False)
        if isinstance(result, SimpleError):
            raise ResponseError(result.value)
        return self._socket._decode_result(result)

    def _tick(self) -> None:
        self._server.dbs[0].time = time.time()


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


_INFO = b"redis_version:7.0.0\r\nused_memory:1000000\r\nmaxmemory:0\r\nused_memory_dataset:100000\r\n"
_CALLBACKS: Mapping[str, Callable[[Any], Any]] = {**_RedisCallbacks, **_RedisCallbacksRESP2}


class Client:
    """What one process holds in place of ``redis.asyncio.Redis``; it repeats lost calls as that one does."""

    RETRIES = 3

    def __init__(self, store: Store, ports: Ports) -> None:
        self._store, self._ports = store, ports

    def register_script(self, text: str) -> _Script:
        return _Script(self, text)

    async def execute_command(self, *parts: Any) -> Any:
        return await self.do(f"redis.{str(parts[0]).lower()}", lambda: self.read(parts))

    def read(self, parts: Sequence[Any]) -> Any:
        """What a command gives in the shape redis-py has for it."""
        result = self._store.command(*parts)
        callback = _CALLBACKS.get(str(parts[0]).upper())
        return callback(result) if callback is not None and result is not None else result

    def pipeline(self, *, transaction: bool = True) -> _Pipe:
        del transaction
        return _Pipe(self)

    async def do(self, name: str, effect: Callable[[], Any]) -> Any:
        """One round trip.

        Raises:
            RedisConnectionError: all repeats were lost; it may have happened, and more than once.
        """
        for attempt in range(self.RETRIES + 1):
            fault = self._ports.store_fault(name)
            if fault in {"full", "read-only"}:
                await self._ports.pause(0.001)
                raise OutOfMemoryError("OOM") if fault == "full" else redis.exceptions.ReadOnlyError("READONLY")
            if fault == "away":
                await self._ports.pause(0.001)
            elif fault == "lost answer":
                await self._ports.round_trip(name, effect)
            else:
                return await self._ports.round_trip(name, effect)
            await self._ports.pause(0.05 * 2**attempt)
        raise RedisConnectionError("away")


class _Script:
    def __init__(self, client: Client, text: str) -> None:
        self._client, self._text = client, text
        self._name = _names.setdefault(text, _name(text))

    async def __call__(self, keys: Sequence[str] = (), args: Sequence[Any] = (), client: Any = None) -> Any:
        assert client is None, "nobody queues scripts"
        if self._name == "ticket_sent":
            TICKET.set(str(args[2]))
        result = await self._client.do(self._name, lambda: self._run(args, keys))
        if self._name == "work_claim" and result:
            self._client._ports.leased(PROCESS.get())
        return result

    def _run(self, args: Sequence[Any], keys: Sequence[str]) -> Any:
        result = self._client._store.script(self._text, args, keys)
        self._client._ports.leases.saw(self._name, args, result)
        return result


_names: dict[str, str] = {}


def _name(text: str) -> str:
    """The script's file name: how the matrix speaks of it."""
    from importlib.resources import files

    for path in (files("worker.ledger") / "lua").iterdir():
        if path.name.endswith(".lua") and path.name != "common.lua" and text.endswith(path.read_text("utf-8")):
            return path.name.removesuffix(".lua")
    return "script"


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
