"""Runs the Lua steps of the ledger: loaded once, called by SHA, one atomic step each.

A script is a file beside the Python that runs it, ``<subject>/<name>.lua``. It is sent after ``common.lua`` and the
parts that its head names in a line ``-- needs: work, journal`` (``<subject>/parts/<part>.lua``). Every script gets the
time (ms; 0 = Redis' own) and the key prefix first. Key names come from ``keys``: Lua calls ``K.<name>(...)``. The head
comment of each script names its states and the reply to a repeat with the same token, and declares its arguments, in
order: ``-- args: owner, token, entries[], rows(id, stamp)``; after a comma at its end the line continues in the next
comment line. Caller and Lua use the same names:

- ``owner`` is one value;
- ``entries[]`` is a list: it is sent as its length and its values, and is a table in Lua;
- ``rows(id, stamp)`` takes the remaining values, row by row, and comes last. Lua can iterate over it repeatedly:
  ``for id, stamp in rows() do``.

Single values come before lists. All values are strings in Lua.

A visit's step waits a moment for those of other visits. One whose head has a line ``-- hasty:`` does not wait longer
for a visit of a run over many records than for any other: a call to a vendor waits for it. One with a line
``-- urgent:`` waits for no other step, not even for one that is on its way.

The client is opened with ``decode_responses=False``: raw replies are bytes.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from importlib.resources import files
from itertools import chain
from typing import Any, TypeAlias, cast

from msgspec import Struct
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

from connectors.batching import JOINER, PATIENT, Joiner, ended, resting
from worker.ledger.keys import PREFIX, Keys, lua_names

Arg: TypeAlias = str | bytes | int
Value: TypeAlias = Arg | Collection[Arg] | Collection[Sequence[Arg]]

EACH_S, LONGEST_S = 5e-5, 0.01  # that a step waits for each of the others at work, and at most, by a hasty visit
AT_ONCE_S = -math.inf  # waits for no round trip either
FIRST = 3  # ARGV[1] and ARGV[2] are the time and the key prefix

_HEAD = re.compile(r"^-- args: ((?:.*,\n--\s+)*.*)$", re.MULTILINE)
_PIECE = re.compile(r"(\w+)(?:(\[\])|\(([^()]*)\))?\s*(?:,\s*(?:--\s+)?|$)")


class Arguments(Struct, frozen=True):
    """Names what one script takes: single values, then lists, then what each of its rows holds."""

    singles: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    rows: str = ""
    row: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.singles, *self.lists, *([self.rows] if self.rows else []))

    def values(self, named: Mapping[str, Value]) -> list[Arg]:
        """Returns the values as they travel.

        Raises:
            TypeError: a name is missing, or is not one of the script's.
        """
        if len(named) != len(self.singles) + len(self.lists) + bool(self.rows):
            raise self._mistake(named)
        try:
            values = cast("list[Arg]", list(map(named.__getitem__, self.singles)))
            for name in self.lists:
                given = cast("Collection[Arg]", named[name])
                values.append(len(given))
                values.extend(given)
            if self.rows:
                self._add_rows(values, cast("Collection[Sequence[Arg]]", named[self.rows]))
        except KeyError:
            raise self._mistake(named) from None
        return values

    def _add_rows(self, values: list[Arg], rows: Collection[Sequence[Arg]]) -> None:
        begun = len(values)
        values.extend(chain.from_iterable(rows))
        if len(values) - begun != len(rows) * len(self.row):
            raise TypeError(f"each of {self.rows} is {', '.join(self.row)}")

    def _mistake(self, named: Mapping[str, Value]) -> TypeError:
        takes, given = ", ".join(self.names) or "nothing", ", ".join(named) or "nothing"
        return TypeError(f"the script takes {takes}; given {given}")

    def lua(self) -> str:
        """Returns the statements that give the arguments their names."""
        lines = []
        if self.singles:
            values = ", ".join(f"ARGV[{place}]" for place in range(FIRST, FIRST + len(self.singles)))
            lines.append(f"local {', '.join(self.singles)} = {values}")
        if self.lists or self.rows:
            lines.append(f"local next_argument = {FIRST + len(self.singles)}")
        lines += [f"local {name}; {name}, next_argument = list(ARGV, next_argument)" for name in self.lists]
        if self.rows:
            values = ", ".join(f"ARGV[at - {back}]" for back in range(len(self.row), 0, -1))
            lines += [
                f"local function {self.rows}()",
                "local at = next_argument",
                "return function()",
                "if at > #ARGV then return nil end",
                f"at = at + {len(self.row)}",
                f"return {values}",
                "end",
                "end",
            ]
        return "".join(f"{line}\n" for line in lines)


def arguments(script: str) -> Arguments:
    """Returns what the head of a script declares; nothing where it has no such line.

    Raises:
        ValueError: the line cannot be read.
    """
    head = _HEAD.search(script)
    if head is None:
        return Arguments()
    singles, lists, rows, row = list[str](), list[str](), "", tuple[str, ...]()
    at, text = 0, head.group(1)
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or rows or (lists and not (piece.group(2) or piece.group(3))):
            raise ValueError(f"args: {text[at:]!r}: single names, then lists[], then rows(name, name)")
        at, (name, is_list, columns) = piece.end(), piece.groups()
        if columns is not None:
            rows, row = name, tuple(columns.split(", "))
        else:
            (lists if is_list else singles).append(name)
    return Arguments(tuple(singles), tuple(lists), rows, row)


Clock: TypeAlias = Callable[[], int]

SUBJECTS = ("work", "money", "rates", "journal", "intake")

EACH_ROW = "--[[each row]]"  # rows of one script share what stands before it: the time, the parts, the key names
_AWAY = (
    RedisConnectionError,
    RedisTimeoutError,
    ReadOnlyError,
    OutOfMemoryError,
    BusyLoadingError,
    NoPermissionError,
)
_HASTY = re.compile(r"^-- hasty: ", re.MULTILINE)
_URGENT = re.compile(r"^-- urgent: ", re.MULTILINE)
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
    text = "\n".join([*(_found(f"parts/{part}") for part in parts), EACH_ROW, takes(name).lua(), body])
    common = (files("worker.ledger") / "common.lua").read_text("utf-8")
    return f"{common}\n{lua_names(text)}\n{text}"


@cache
def takes(name: str) -> Arguments:
    return arguments(_found(name))


@cache
def names() -> tuple[str, ...]:
    found = (path.name for subject in SUBJECTS for path in (files("worker.ledger") / subject).iterdir())
    return tuple(sorted(name.removesuffix(".lua") for name in found if name.endswith(".lua")))


def _found(name: str) -> str:
    """Returns the text of a script, or of a part, whichever subject it belongs to."""
    paths = (files("worker.ledger") / subject / f"{name}.lua" for subject in SUBJECTS)
    return next(path for path in paths if path.is_file()).read_text("utf-8")


class _Known(Struct, frozen=True):
    """Holds a script of one client. ``begin`` takes its values, and how long it may wait for company, and begins it.

    ``patience`` is how much longer than a hasty step it waits, 0 if it waits for nothing.
    """

    call: AsyncScript
    begin: Callable[[list[Arg], float], Awaitable[Any]]
    arguments: Arguments
    patience: int


def _patience(text: str) -> int:
    if _URGENT.search(text):
        return 0
    return 1 if _HASTY.search(text) else PATIENT


def _begun(call: AsyncScript, values: list[Arg], hold_s: float) -> Awaitable[Any]:
    del hold_s
    return call(args=values)


def _hold_s(joiner: Joiner | None, patience: int) -> float:
    """Returns how long a step waits for those of others: the more of them are at work, the more come meanwhile."""
    if not patience:
        return AT_ONCE_S
    if joiner is None:
        return 0.0
    others = joiner.joiners.awake - 1
    return min(others * EACH_S, LONGEST_S) * min(joiner.patience, patience) if others > 0 else 0.0


class Scripts:
    """Runs the ledger's scripts on one Redis.

    ``clock`` (ms) owns the time of every script; without one it is Redis' own.
    """

    def __init__(self, redis: Redis, *, prefix: str = PREFIX, clock: Clock | None = None) -> None:
        self.redis = redis
        self.keys = Keys(prefix)
        self._clock = clock
        self._scripts: dict[str, _Known] = {}
        self._shared: dict[tuple[object, ...], asyncio.Future[Any]] = {}  # looks that leave in this turn of the loop

    async def run(self, script: str, /, **named: Value) -> Any:
        """Run a script with the arguments that its head names: by its SHA, with its text when Redis has lost it.

        A visit that waits for it does nothing else, as it does nothing while it waits for a batch.

        Raises:
            LedgerUnavailableError: Redis is away, full, read-only or loading.
            TypeError: the arguments are not those of the script.
        """
        try:
            return await resting(self.begun(script, **named))
        except RedisError as error:
            meant = _meant(error)
            if meant is error:
                raise
            raise meant from error

    async def shared(self, script: str, /, **named: str | tuple[str, ...]) -> Any:
        """Run a script that changes nothing, once for all who ask for the same in one turn of the loop.

        Raises: as ``run``.
        """
        key = (script, *named.values())
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(self.run(script, **named))
            asyncio.get_running_loop().call_soon(self._shared.pop, key)
        looking = self._shared[key]
        await resting(ended(looking))
        return looking.result()

    def begun(self, script: str, /, **named: Value) -> Awaitable[Any]:
        """Returns the reply to come of a script that is on its way, or leaves once it is awaited: for ``all_of``."""
        known, joiner = self._known(script), JOINER.get()
        return known.begin(self._values(known, named), _hold_s(joiner, known.patience))

    async def all_of(self, begun: Sequence[Awaitable[Any]]) -> list[Any]:
        """Returns the replies to steps that travel together, in their order.

        Raises: as ``run``, by the first that fails; the others run all the same.
        """
        with guarded():
            return list(await asyncio.gather(*begun))

    async def queue(self, pipe: Pipeline, script: str, /, **named: Value) -> None:
        """Puts a script in a pipeline, as ``run`` would call it."""
        known = self._known(script)
        with guarded():
            await known.call(args=self._values(known, named), client=pipe)

    def _values(self, known: _Known, named: Mapping[str, Value]) -> list[Arg]:
        return [self._clock() if self._clock else 0, self.keys.prefix, *known.arguments.values(named)]

    def _known(self, script: str) -> _Known:
        known = self._scripts.get(script)
        if known is None:
            call = self.redis.register_script(source(script))
            begin = getattr(call, "begun", None) or partial(_begun, call)  # not every client sends scripts together
            known = self._scripts[script] = _Known(call, begin, takes(script), _patience(_found(script)))
        return known

    async def now(self) -> int:
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
