"""Runs the Lua steps of the ledger: loaded once, called by SHA, one atomic step each.

A script lies beside the Python that runs it, ``<subject>/<name>.lua``. It is sent behind ``common.lua`` and behind the
parts that its head names in a line ``-- needs: work, journal`` (``<subject>/parts/<part>.lua``). Every script gets the
time (ms; 0 = Redis' own) and the key prefix first; what the caller passes by name, Lua reads by the same name
(``arguments``). Key names come from ``keys``: Lua calls ``K.<name>(...)``. The head comment of each script names its
arguments, its states and what a repeat with the same token gives.

The client is opened with ``decode_responses=False``: raw replies are bytes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript
from redis.exceptions import (
    BusyLoadingError,
    DataError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.ledger.arguments import Arg, Arguments, Value, arguments
from worker.ledger.keys import PREFIX, Keys, lua_names

Clock: TypeAlias = Callable[[], int]

SUBJECTS = ("work", "money", "rates", "journal", "intake")

_AWAY = (
    RedisConnectionError,
    RedisTimeoutError,
    ReadOnlyError,
    OutOfMemoryError,
    BusyLoadingError,
    NoPermissionError,
)
_NEEDS = re.compile(r"^-- needs: (.+)$", re.MULTILINE)
_WORDS = "OOM|READONLY|LOADING|MISCONF|MASTERDOWN|BUSY|NOREPLICAS|NOPERM"
_UNSURE = re.compile(rf"^({_WORDS})\b|-({_WORDS})\b|user executing the script can't run|ACL failure in script")


class LedgerUnavailableError(Exception):
    """Says that Redis did not take the step, or did not say so: nothing that costs may follow.

    The step may be repeated.
    """


class LedgerBehindError(LedgerUnavailableError):
    """Says that Redis has forgotten paid calls that were sent: it came from a backup, or is another one."""


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what Redis raises when it is away, full, read-only or loading into ``LedgerUnavailableError``."""
    try:
        yield
    except RedisError as error:
        meant = _meant(error)
        if meant is error:
            raise
        raise meant from error


def _meant(error: RedisError) -> Exception:
    """Returns what an error of Redis means to the ledger, itself where it is a mistake of ours."""
    if isinstance(error, _AWAY):
        return LedgerUnavailableError(type(error).__name__)
    if isinstance(error, ResponseError):
        return LedgerUnavailableError(str(error).split(" ", 1)[0]) if _UNSURE.search(str(error)) else error
    if isinstance(error, DataError):  # what we passed is no argument
        return error
    return LedgerUnavailableError(type(error).__name__)


@cache
def source(name: str) -> str:
    """Returns the whole text of one script as Redis gets it."""
    body = _found(name)
    needs = _NEEDS.search(body)
    parts = [part.strip() for part in needs.group(1).split(",")] if needs else []
    text = "\n".join([*(_found(f"parts/{part}") for part in parts), takes(name).lua(), body])
    common = (files("worker.ledger") / "common.lua").read_text("utf-8")
    return f"{common}\n{lua_names(text)}\n{text}"


@cache
def takes(name: str) -> Arguments:
    """Returns the arguments of one script."""
    return arguments(_found(name))


@cache
def names() -> tuple[str, ...]:
    """Returns the name of every script."""
    found = (path.name for subject in SUBJECTS for path in (files("worker.ledger") / subject).iterdir())
    return tuple(sorted(name.removesuffix(".lua") for name in found if name.endswith(".lua")))


def _found(name: str) -> str:
    """Returns the text of a script, or of a part, whichever subject it belongs to."""
    paths = (files("worker.ledger") / subject / f"{name}.lua" for subject in SUBJECTS)
    return next(path for path in paths if path.is_file()).read_text("utf-8")


class Scripts:
    """Runs the ledger's scripts on one Redis.

    ``clock`` (ms) owns the time of every script; without one it is Redis' own.
    """

    def __init__(self, redis: Redis, *, prefix: str = PREFIX, clock: Clock | None = None) -> None:
        self.redis = redis
        self.keys = Keys(prefix)
        self._clock = clock
        self._scripts: dict[str, tuple[AsyncScript, Arguments]] = {}

    async def run(self, script: str, /, **named: Value) -> Any:
        """Run a script with the arguments that its head names: by its SHA, with its text when Redis has lost it.

        Raises:
            LedgerUnavailableError: Redis is away, full, read-only or loading.
            TypeError: the arguments are not those of the script.
        """
        return await self._run(script, None, named)

    def begun(self, script: str, /, **named: Value) -> Awaitable[Any]:
        """Returns the reply to come of a script that is on its way, or leaves once it is awaited: for ``all_of``."""
        call, parameters = self._known(script)
        begin: Callable[[Sequence[Any]], Awaitable[Any]] | None = getattr(call, "begun", None)  # not of every client's
        if begin is None:
            return self._run(script, None, named)
        now = self._clock() if self._clock else 0
        return begin([now, self.keys.prefix, *parameters.values(named)])

    async def all_of(self, begun: Sequence[Awaitable[Any]]) -> list[Any]:
        """Returns the replies to steps that travel together, in their order.

        Raises: as ``run``, by the first that fails; the others run all the same.
        """
        with guarded():
            return list(await asyncio.gather(*begun))

    async def queue(self, pipe: Pipeline, script: str, /, **named: Value) -> None:
        """Puts a script in a pipeline, as ``run`` would call it."""
        await self._run(script, pipe, named)

    async def _run(self, script: str, pipe: Pipeline | None, named: Mapping[str, Value]) -> Any:
        call, parameters = self._known(script)
        now = self._clock() if self._clock else 0
        try:
            return await call(args=[now, self.keys.prefix, *parameters.values(named)], client=pipe)
        except RedisError as error:
            meant = _meant(error)
            if meant is error:
                raise
            raise meant from error

    def _known(self, script: str) -> tuple[AsyncScript, Arguments]:
        known = self._scripts.get(script)
        if known is None:
            known = self._scripts[script] = self.redis.register_script(source(script)), takes(script)
        return known

    async def now(self) -> int:
        """Returns the ledger's time in ms."""
        if self._clock:
            return self._clock()
        seconds, micros = await self.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def call(self, *command: Arg) -> Any:
        """Runs one plain Redis command.

        Raises:
            LedgerUnavailableError: as ``run``.
        """
        with guarded():
            return await cast("Awaitable[Any]", self.redis.execute_command(*command))  # type: ignore[no-untyped-call]  # redis-py

    async def calls(self, commands: Sequence[Sequence[Arg]]) -> list[Any]:
        """Runs plain commands in one round trip, not as one step.

        Raises:
            LedgerUnavailableError: as ``run``.
        """
        if not commands:
            return []
        with guarded():
            async with self.redis.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                replies: list[Any] = await pipe.execute(raise_on_error=False)
            for reply in replies:
                if isinstance(reply, RedisError):
                    raise reply  # as Redis said it: redis-py's own raising quotes the command, values and all
            return replies
