"""Sends the scripts that tasks call at the same time in one round trip, and equal ones as one script of many rows.

Two hundred visits wait for their steps at the same time. Sent separately, each step costs a connection, a packet, a
wake-up and, with ``appendfsync always``, an fsync. Together they cost one of each. While a round trip is under way,
further scripts wait until it is back, or for ``HOLD_S``: under load few round trips carry many steps, and without load
a step leaves at once. A caller may have its script wait for others of its kind (``hold_s``): it leaves with the first
whose time is over, when enough have come, or when there is nobody else to come (``hasten``). An urgent one waits for no
round trip (``hold_s`` below zero).

Every row runs as a separate script would, with its own arguments and its own reply or error; what stands in front of
the script runs once for all of them (``EACH_ROW``). All rows of a script run at once; other scripts, and those of other
clients, may run between two scripts. Callers cannot rely on the order of scripts in one round trip.

If the connection is lost, the whole round trip is sent again, as a single script would be: every step of the ledger may
be repeated. A cancelled caller leaves its script on its way.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files
from typing import Any, cast

from msgspec import Struct
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, NoScriptError, ResponseError
from redis.typing import EncodableT

from config.counts import counted
from worker.redis.wire import LostError, RoundTrip, Wire, packed

MOST = 256  # rows in one round trip
ROWS, ROW_VALUES = 32, 2_000  # in one script: a Redis that runs a longer one keeps its other clients waiting
CLOSING_S = 1.0  # for scripts under way when the client is closed
LOADS = 3  # how often a script is given to a server that has it not
ENOUGH = 32  # rows of a script wait for no more
HOLD_S = 0.02  # a round trip that takes longer is not waited for
USUAL_S, SLOWEST = 0.02, 10.0  # a round trip with its fsync takes less if nobody else uses the machine

_SHARED, _SCRIPT = "--[[shared]]", "--[[script]]"  # stand for the parts of a script in rows.lua
EACH_ROW = "\n--[[each row]]\n"  # in a script: what stands before it is run once for all rows


@dataclass(frozen=True, slots=True, eq=False)
class ScriptSource:
    """Holds the text of a script and the name that Redis knows it by."""

    text: str
    sha: bytes

    @classmethod
    def of(cls, text: str) -> ScriptSource:
        return cls(text, hashlib.sha1(text.encode()).hexdigest().encode())  # noqa: S324 - Redis' own name for it


@cache
def rows_of(text: str) -> ScriptSource:
    """Returns the script that runs ``text`` once for each row: ARGV holds each row's count of values and the values."""
    around = files("worker.redis").joinpath("rows.lua").read_text(encoding="utf-8")
    shared, _, each = text.rpartition(EACH_ROW)
    return ScriptSource.of(around.replace(_SHARED, shared, 1).replace(_SCRIPT, each, 1))


class ScriptCall(Struct, eq=False):
    """Holds a script and its arguments, and the caller that waits for the reply."""

    source: ScriptSource
    args: Sequence[EncodableT]
    reply: asyncio.Future[Any]


@dataclass(slots=True, eq=False)
class _Group:
    """Holds calls of one script, which Redis runs at once."""

    calls: list[ScriptCall]

    @property
    def source(self) -> ScriptSource:
        first = self.calls[0].source
        return first if len(self.calls) == 1 else rows_of(first.text)

    def packed(self) -> bytes:
        values: list[EncodableT] = ["EVALSHA", self.source.sha, 0]
        if len(self.calls) == 1:
            values += self.calls[0].args
        else:
            for call in self.calls:
                values.append(len(call.args))
                values += call.args
        return packed(values)

    def tell(self, reply: Any) -> None:
        """Hands out the replies; an error of the whole script is everybody's, and so are replies of another count."""
        rows = len(self.calls)
        if rows > 1 and not isinstance(reply, Exception) and len(reply) != rows:
            reply = InvalidResponse(
                f"a script of {counted(rows, 'row')} gave {counted(len(reply), 'reply', 'replies')}"
            )
        one_for_all = rows == 1 or isinstance(reply, Exception)
        for call, own in zip(self.calls, [reply] * rows if one_for_all else reply, strict=True):
            if call.reply.done():
                continue
            if isinstance(own, Exception):
                call.reply.set_exception(own)
            else:
                call.reply.set_result(own)


@dataclass(slots=True, eq=False)
class _Company:
    """Holds calls of one script that are about to leave, at ``due_s`` by the loop's clock."""

    due_s: float
    calls: list[ScriptCall] = field(default_factory=list)


class Together(Redis):
    """Makes scripts travel together. Everything else is ``Redis``.

    ``repeats`` says whether a round trip whose connection was lost is sent again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.repeats = True
        self._wire = Wire(self)
        self._waiting: dict[ScriptSource, _Company] = {}
        self._leaving: asyncio.Handle | None = None
        self._due_s = 0.0  # when the first of the waiting has waited long enough, by the loop's clock
        self._is_closed = False
        self._away = 0  # round trips
        self._none_away: asyncio.Future[None] | None = None
        self._again: set[asyncio.Task[None]] = set()  # otherwise the loop would not keep the task alive

    @property
    def slowness(self) -> float:
        """Tells how many times longer than usual steps take of late: 1 on a machine that has time for us."""
        return min(max(1.0, self._wire.took_s / USUAL_S), SLOWEST)

    @classmethod
    def on(cls, pool: ConnectionPool, *, repeats: bool) -> Together:
        """Returns a client of its own pool, which it closes with itself."""
        client = cls(connection_pool=pool)
        client.auto_close_connection_pool = True
        client.repeats = repeats
        return client

    def register_script(self, script: str) -> Script:  # type: ignore[override]  # called like redis-py's, one text only
        """Returns a script that is called as redis-py's is."""
        return Script(self, script)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes once what is under way is back: a round trip that is tried again would open a connection anew."""
        self._is_closed = True
        self.hasten()
        if self._leaving is not None:
            self._leaving.cancel()
            self._leave()
        if self._away:
            self._none_away = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._none_away], timeout=CLOSING_S)
        for task in self._again:
            task.cancel()
        await asyncio.gather(*self._again, return_exceptions=True)
        await self._wire.aclose()
        await super().aclose(close_connection_pool)

    def together(self, source: ScriptSource, args: Sequence[EncodableT], hold_s: float = 0.0) -> asyncio.Future[Any]:
        """Returns the reply to come of a script that leaves with the next round trip, or within ``hold_s`` with others.

        Below zero ``hold_s`` has it leave at the end of this turn of the loop, though others are away.

        It ends in the ``RedisError`` that the script, or the way to Redis and back, would raise by itself.
        """
        loop = asyncio.get_running_loop()
        call = ScriptCall(source, args, loop.create_future())
        if self._is_closed:
            call.reply.set_exception(RedisConnectionError("the client is closed"))
            return call.reply
        now_s = loop.time()
        due_s = now_s + hold_s
        waiting = self._waiting.get(source)
        if waiting is None:
            waiting = self._waiting[source] = _Company(due_s)
        waiting.calls.append(call)
        if len(waiting.calls) >= ENOUGH:
            due_s = now_s
        waiting.due_s = min(waiting.due_s, due_s)
        if self._leaving is None or due_s < self._due_s:
            self._plan(loop, due_s)
        return call.reply

    def hasten(self) -> None:
        """Let the waiting scripts leave: nobody will join them."""
        if self._leaving is None:
            return
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for waiting in self._waiting.values():
            waiting.due_s = min(waiting.due_s, now_s)
        if self._due_s > now_s:
            self._plan(loop, now_s)

    def _plan(self, loop: asyncio.AbstractEventLoop, due_s: float) -> None:
        """Have waiting scripts leave at ``due_s``, and later while others are away."""
        if self._leaving is not None:
            self._leaving.cancel()
        self._due_s, leaves_s = due_s, due_s + (HOLD_S if self._away else 0.0)
        is_later = leaves_s > loop.time()
        self._leaving = loop.call_at(leaves_s, self._leave) if is_later else loop.call_soon(self._leave)

    def _leave(self) -> None:
        """Send the scripts that are due; the others go on waiting for company of their kind."""
        loop = asyncio.get_running_loop()
        now_s, self._leaving = loop.time(), None
        ready = [source for source, waiting in self._waiting.items() if waiting.due_s <= now_s]
        groups = [group for source in ready for group in _groups(self._waiting.pop(source).calls)]
        for trip in _trips(groups):
            self._away += 1
            self._send(trip)
        if self._waiting:
            self._plan(loop, min(waiting.due_s for waiting in self._waiting.values()))

    def _send(self, groups: Sequence[_Group]) -> None:
        try:
            content = b"".join([group.packed() for group in groups])
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            self._answered(groups, error)
            return
        self._wire.send(RoundTrip(content, len(groups), partial(self._answered, groups)))

    def _answered(self, groups: Sequence[_Group], replies: list[Any] | Exception) -> None:
        """Hands out replies, and sends again scripts that were lost on the way or are unknown to Redis."""
        if isinstance(replies, LostError):
            if self.repeats and not self._is_closed:
                self._repeat(groups)
                return
            replies = cast("Exception", replies.__cause__)
        if isinstance(replies, Exception):
            replies = [replies] * len(groups)
        unknown = [group for group, reply in zip(groups, replies, strict=True) if isinstance(reply, NoScriptError)]
        for group, reply in zip(groups, replies, strict=True):
            if not isinstance(reply, NoScriptError):
                group.tell(reply)
        if unknown:
            self._repeat(unknown)
        else:
            self._returned()

    def _repeat(self, groups: Sequence[_Group]) -> None:
        task = asyncio.ensure_future(self._sent_again(groups))
        self._again.add(task)
        task.add_done_callback(self._again.discard)

    def _returned(self) -> None:
        """Send the waiting scripts; callers that have just been answered go on first, and may join them."""
        self._away -= 1
        if self._away:
            return
        if self._leaving is not None:
            self._plan(asyncio.get_running_loop(), self._due_s)
        if self._none_away is not None and not self._none_away.done():
            self._none_away.set_result(None)

    async def _sent_again(self, groups: Sequence[_Group]) -> None:
        """Send groups in redis-py's own way, with its repeats, and with their texts if Redis has forgotten them."""
        try:
            replies = await self._replies(groups)
            for _ in range(LOADS):  # a server that restarts in between forgets once more
                lost = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
                if not lost:
                    break
                for text in dict.fromkeys(groups[at].source.text for at in lost):
                    await self.script_load(text)
                for at, reply in zip(lost, await self._replies([groups[at] for at in lost]), strict=True):
                    replies[at] = reply
            replies = [_away(reply) for reply in replies]
        except asyncio.CancelledError:  # the loop ends
            for group in groups:
                for call in group.calls:
                    call.reply.cancel()
            self._returned()
            raise
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            replies = [error] * len(groups)
        for group, reply in zip(groups, replies, strict=True):
            group.tell(reply)
        self._returned()

    async def _replies(self, groups: Sequence[_Group]) -> list[Any]:
        content = b"".join([group.packed() for group in groups])
        pool = self.connection_pool
        connection = await pool.get_connection()

        async def exchange() -> list[Any]:
            await connection.send_packed_command([content])
            replies: list[Any] = []
            for _ in groups:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as error:
                    replies.append(error)
            return replies

        async def again(_: Exception) -> None:
            await connection.disconnect()

        try:
            found: list[Any] = await connection.retry.call_with_retry(exchange, again)
            return found
        finally:
            await pool.release(connection)


def _away(reply: Any) -> Any:
    """Returns a reply; of a server that has no script, however often it is given it, that it is not there."""
    return RedisConnectionError("Redis keeps no script") if isinstance(reply, NoScriptError) else reply


def _groups(calls: Sequence[ScriptCall]) -> Iterator[_Group]:
    """Yields calls of one script in groups that Redis may run at once."""
    group, values = list[ScriptCall](), 0
    for call in calls:
        if group and (len(group) == ROWS or values + len(call.args) > ROW_VALUES):
            yield _Group(group)
            group, values = [], 0
        group.append(call)
        values += len(call.args)
    yield _Group(group)


def _trips(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """Yields groups that leave in one round trip."""
    trip, rows = list[_Group](), 0
    for group in groups:
        if trip and rows + len(group.calls) > MOST:
            yield trip
            trip, rows = [], 0
        trip.append(group)
        rows += len(group.calls)
    if trip:
        yield trip


class Script:
    """Runs one script on a ``Together`` client."""

    def __init__(self, client: Together, text: str) -> None:
        self._client, self._source = client, ScriptSource.of(text)
        self._queued = Redis.register_script(client, text)

    async def __call__(
        self, keys: Sequence[str] = (), args: Sequence[EncodableT] = (), client: Pipeline | None = None
    ) -> Any:
        """Run the script; with a pipeline it is only queued there."""
        if client is not None or keys:
            return await self._queued(keys=list(keys), args=list(args), client=client)
        return await self._client.together(self._source, args)

    def begun(self, args: Sequence[EncodableT], hold_s: float = 0.0) -> asyncio.Future[Any]:
        """Returns the reply to come; the script leaves as ``Together.together`` says."""
        return self._client.together(self._source, args, hold_s)


def slowness_of(client: Redis) -> float:
    """Tells how many times longer than usual the steps of a client take of late."""
    return client.slowness if isinstance(client, Together) else 1.0


def hasten(client: Redis) -> None:
    """Let the scripts that wait at a client leave."""
    if isinstance(client, Together):
        client.hasten()
