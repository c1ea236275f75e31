"""Sends the scripts that tasks call within one turn of the event loop in one round trip.

Two hundred visits wait for their steps at the same time: one at a time, each step costs a connection, a packet, a
wake-up and, with ``appendfsync always``, an fsync of its own. Together they cost one of each. Every script stays an
atomic step of its own, with its own reply or error; the scripts of others may run between two of a batch.

A batch whose connection is lost is sent again as a whole, as a single script would be: every step of the ledger may be
repeated. A caller that is cancelled leaves its script on its way.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import NoScriptError
from redis.typing import EncodableT

MOST = 128  # scripts in one round trip: a Redis that reads more keeps its other clients waiting


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """Holds a script and its arguments, and whoever waits for the reply."""

    text: str
    sha: str
    args: Sequence[EncodableT]
    reply: asyncio.Future[Any]


class Together(Redis):
    """Makes scripts travel together. Everything else is ``Redis``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: list[ScriptCall] = []
        self._sending: set[asyncio.Task[None]] = set()  # the loop keeps no task that nobody else keeps

    def register_script(self, script: str) -> Script:  # type: ignore[override]  # called like redis-py's, one text only
        """Returns a script that is called as redis-py's is."""
        return Script(self, script)

    async def together(self, text: str, sha: str, args: Sequence[EncodableT]) -> Any:
        """Returns the reply of a script that leaves at the end of this turn.

        Raises:
            RedisError: as the script, or the way to Redis and back, would raise by itself.
        """
        loop = asyncio.get_running_loop()
        call = ScriptCall(text, sha, args, loop.create_future())
        self._waiting.append(call)
        if len(self._waiting) == 1:
            loop.call_soon(self._leave)
        return await call.reply

    def _leave(self) -> None:
        calls, self._waiting = self._waiting, []
        for start in range(0, len(calls), MOST):
            task = asyncio.ensure_future(self._send(calls[start : start + MOST]))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, calls: Sequence[ScriptCall]) -> None:
        try:
            replies = await self._replies(calls)
            lost = [call for call, reply in zip(calls, replies, strict=True) if isinstance(reply, NoScriptError)]
            if lost:
                for text in dict.fromkeys(call.text for call in lost):
                    await self.script_load(text)
                again = dict(zip(map(id, lost), await self._replies(lost), strict=True))
                replies = [again.get(id(call), reply) for call, reply in zip(calls, replies, strict=True)]
        except asyncio.CancelledError:  # the loop ends
            for call in calls:
                call.reply.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            replies = [error] * len(calls)
        for call, reply in zip(calls, replies, strict=True):
            if call.reply.done():
                continue
            if isinstance(reply, Exception):
                call.reply.set_exception(reply)
            else:
                call.reply.set_result(reply)

    async def _replies(self, calls: Sequence[ScriptCall]) -> list[Any]:
        async with self.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.execute_command("EVALSHA", call.sha, 0, *call.args)
            return await pipe.execute(raise_on_error=False)


class Script:
    """Runs one script on a ``Together`` client."""

    def __init__(self, client: Together, text: str) -> None:
        self._client, self._text = client, text
        self._sha = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - Redis' own name for it
        self._queued = Redis.register_script(client, text)

    async def __call__(
        self, keys: Sequence[str] = (), args: Sequence[EncodableT] = (), client: Pipeline | None = None
    ) -> Any:
        """Run the script; with a pipeline it is only queued there."""
        if client is not None or keys:
            return await self._queued(keys=list(keys), args=list(args), client=client)
        return await self._client.together(self._text, self._sha, args)
