"""Sends the scripts that tasks call at the same time in one round trip, and equal ones as one script of many rows.

Two hundred visits wait for their steps at the same time: one at a time, each step costs a connection, a packet, a
wake-up and, with ``appendfsync always``, an fsync of its own. Together they cost one of each. While a round trip is
under way, further scripts wait for it to come back, or for ``HOLD_S``: under load few round trips carry many steps,
and without load a step leaves at once.

Every row runs as the script would by itself, with its own arguments, and has its own reply or error. All rows of a
script happen at once; those of other scripts, and other clients', may run between two scripts. Scripts of one round
trip run in no order that a caller could rely on.

A round trip whose connection is lost is sent again as a whole, as a single script would be: every step of the ledger
may be repeated. A caller that is cancelled leaves its script on its way.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.typing import EncodableT

MOST = 256  # rows in one round trip
ROWS, ROW_VALUES = 64, 2_000  # in one script: a Redis that runs a longer one keeps its other clients waiting
CLOSING_S = 1.0  # for what is under way when the client is closed
LOADS = 3  # how often a script is given to a server that has it not
HOLD_S = 0.02  # a round trip that takes longer is not waited for

# A row's reply of nil would end the list of replies. Whatever a row raises is its reply: Redis' own errors bear a code.
_ROWS = """local function step(ARGV)
{text}
end
local replies, at = {{}}, 1
while at <= #ARGV do
  local row, count = {{}}, tonumber(ARGV[at])
  for i = 1, count do
    row[i] = ARGV[at + i]
  end
  at = at + count + 1
  local ran, reply = pcall(step, row)
  if not ran then
    local why = type(reply) == 'table' and reply.err or tostring(reply)
    reply = {{ err = string.match(why, '^[A-Z]+ ') and why or 'ERR ' .. why }}
  end
  replies[#replies + 1] = reply == nil and false or reply
end
return replies
"""


@dataclass(frozen=True, slots=True, eq=False)
class ScriptSource:
    """Holds the text of a script and the name that Redis knows it by."""

    text: str
    sha: bytes

    @classmethod
    def of(cls, text: str) -> ScriptSource:
        """Returns the source of ``text``."""
        return cls(text, hashlib.sha1(text.encode()).hexdigest().encode())  # noqa: S324 - Redis' own name for it


@cache
def rows_of(text: str) -> ScriptSource:
    """Returns the script that runs ``text`` once for each row: ARGV holds each row's count of values and the values."""
    return ScriptSource.of(_ROWS.format(text=text))


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """Holds a script and its arguments, and whoever waits for the reply."""

    source: ScriptSource
    args: Sequence[EncodableT]
    reply: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Group:
    """Holds calls of one script, which Redis runs at once."""

    calls: list[ScriptCall]

    @property
    def source(self) -> ScriptSource:
        first = self.calls[0].source
        return first if len(self.calls) == 1 else rows_of(first.text)

    def packed(self) -> bytes:
        """Returns the command as Redis reads it."""
        if len(self.calls) == 1:
            values = list(map(_packed, self.calls[0].args))
        else:
            values = [_packed(one) for call in self.calls for one in (len(call.args), *call.args)]
        head = b"*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n0\r\n" % (len(values) + 3, self.source.sha)
        return head + b"".join(values)

    def tell(self, reply: Any) -> None:
        """Hands out the replies; an error of the whole script is everybody's."""
        one_for_all = len(self.calls) == 1 or isinstance(reply, Exception)
        for call, own in zip(self.calls, [reply] * len(self.calls) if one_for_all else reply, strict=True):
            if call.reply.done():
                continue
            if isinstance(own, Exception):
                call.reply.set_exception(own)
            else:
                call.reply.set_result(own)


class Together(Redis):
    """Makes scripts travel together. Everything else is ``Redis``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: list[ScriptCall] = []
        self._leaving: asyncio.Handle | None = None
        self._is_closed = False
        self._sending: set[asyncio.Task[None]] = set()  # the loop keeps no task that nobody else keeps

    def register_script(self, script: str) -> Script:  # type: ignore[override]  # called like redis-py's, one text only
        """Returns a script that is called as redis-py's is."""
        return Script(self, script)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes once what is under way is back: a round trip that is tried again would open a connection anew."""
        self._is_closed = True
        if self._leaving is not None:
            self._leaving.cancel()
            self._leave()
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=CLOSING_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await super().aclose(close_connection_pool)

    def together(self, source: ScriptSource, args: Sequence[EncodableT]) -> asyncio.Future[Any]:
        """Returns the reply to come of a script that leaves with the next round trip.

        It ends in the ``RedisError`` that the script, or the way to Redis and back, would raise by itself.
        """
        loop = asyncio.get_running_loop()
        call = ScriptCall(source, args, loop.create_future())
        if self._is_closed:
            call.reply.set_exception(RedisConnectionError("the client is closed"))
            return call.reply
        self._waiting.append(call)
        if self._leaving is None:
            self._leaving = loop.call_later(HOLD_S, self._leave) if self._sending else loop.call_soon(self._leave)
        return call.reply

    def _leave(self) -> None:
        self._leaving = None
        calls, self._waiting = self._waiting, []
        for start in range(0, len(calls), MOST):
            task = asyncio.ensure_future(self._send(list(_groups(calls[start : start + MOST]))))
            self._sending.add(task)
            task.add_done_callback(self._returned)

    def _returned(self, task: asyncio.Task[None]) -> None:
        """Let those leave that waited; whoever has just been answered goes on first, and may join them."""
        self._sending.discard(task)
        if self._leaving is not None and not self._sending:
            self._leaving.cancel()
            self._leaving = asyncio.get_running_loop().call_soon(self._leave)

    async def _send(self, groups: Sequence[_Group]) -> None:
        try:
            replies = await self._replies(groups)
            for _ in range(LOADS):  # a server that starts anew in between forgets once more
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
            raise
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            replies = [error] * len(groups)
        for group, reply in zip(groups, replies, strict=True):
            group.tell(reply)

    async def _replies(self, groups: Sequence[_Group]) -> list[Any]:
        """Returns each group's reply or error. A pipeline of redis-py does the same for three times the CPU."""
        packed = b"".join([group.packed() for group in groups])
        pool = self.connection_pool
        connection = await pool.get_connection()

        async def exchange() -> list[Any]:
            await connection.send_packed_command([packed])
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
    """Yields the calls by script, in groups that Redis may run at once."""
    by_source: dict[ScriptSource, list[ScriptCall]] = {}
    for call in calls:
        by_source.setdefault(call.source, []).append(call)
    for equal in by_source.values():
        group, values = list[ScriptCall](), 0
        for call in equal:
            if group and (len(group) == ROWS or values + len(call.args) > ROW_VALUES):
                yield _Group(group)
                group, values = [], 0
            group.append(call)
            values += len(call.args)
        yield _Group(group)


def _packed(value: EncodableT) -> bytes:
    """Returns one argument as Redis reads it."""
    content = value if isinstance(value, bytes) else str(value).encode()
    return b"$%d\r\n%b\r\n" % (len(content), content)


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
