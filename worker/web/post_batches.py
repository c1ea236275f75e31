"""Gathers the posts that arrive at the same time into one step of the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from worker.ledger.intake.intake import AnnouncedPost, Intake
from worker.ledger.scripts import LedgerUnavailableError

ANSWER_S = 0.9  # whoever posts hears within a second that Redis is away
MOST_ROWS = 2_000  # of one step, so that none holds Redis for long
ENOUGH_ROWS = 100  # for a step of their own, though one is on its way
MOST_STEPS = 3


class _Waiting(Struct, frozen=True, eq=False):
    post: AnnouncedPost
    rows: int
    until_s: float
    ended: asyncio.Future[None]


class PostBatches:
    """Announces posts: those that arrive while a step is on its way to the disk go there together, in the next one.

    A step is one script and, with ``appendfsync always``, one fsync, whether it holds one post or fifty. Every post is
    answered only when the step that holds it has ended. Where many rows wait, a second step is put together while Redis
    is busy with the first. ``run_of`` names the run of a crm.
    """

    def __init__(self, intake: Intake, run_of: Callable[[str], str]) -> None:
        self._intake, self._run_of = intake, run_of
        self._waiting: list[_Waiting] = []  # the longest first
        self._rows = 0
        self._unanswered: dict[_Waiting, None] = {}  # those of steps that are under way, too; the longest first
        self._timer: asyncio.TimerHandle | None = None  # for the first of them: one of each post's own costs more
        self._steps, self._took_s = 0, 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def announce(self, post: AnnouncedPost) -> asyncio.Future[None]:
        """Returns what ends within a second: when all rows are in the work, or in ``LedgerUnavailableError``."""
        loop = asyncio.get_running_loop()
        one = _Waiting(post, post.count, loop.time() + ANSWER_S, loop.create_future())
        self._waiting.append(one)
        self._unanswered[one] = None
        if self._timer is None:
            self._timer = loop.call_at(one.until_s, self._look)
        self._rows += one.rows
        if not self._steps or (self._rows >= ENOUGH_ROWS and self._steps < MOST_STEPS):
            self._steps += 1
            task = loop.create_task(self._run(), name="gathering")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return one.ended

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next():
            began_s = loop.time()
            failure: Exception | None = None
            posts = [one.post for one in batch]
            try:
                await self._intake.announce(posts, {crm: self._run_of(crm) for post in posts for crm, _ in post.rows})
            except asyncio.CancelledError:
                for one in batch:
                    one.ended.cancel()
                raise
            except Exception as error:  # noqa: BLE001  # whatever it is, every sender of this step must hear of it
                failure = error
            self._took_s = min(loop.time() - began_s, ANSWER_S / 3)  # one slow step shuts nobody out who has just come
            for one in batch:
                self._answer(one, failure)
        self._steps -= 1  # at once: whoever comes before the task is counted out would wait for nobody

    def _answer(self, one: _Waiting, failure: Exception | None) -> None:
        self._unanswered.pop(one, None)
        if one.ended.done():  # its time was up
            return
        if failure is None:
            one.ended.set_result(None)
        else:
            one.ended.set_exception(LedgerUnavailableError(type(failure).__name__))

    def _look(self) -> None:
        """Let those wait no longer whose time is up; what is on its way with others goes on."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for one in list(self._unanswered):
            if one.until_s > loop.time():
                self._timer = loop.call_at(one.until_s, self._look)
                break
            self._answer(one, TimeoutError())

    def _next(self) -> list[_Waiting]:
        """Returns posts for one step: at least one, and no more rows than a step may have."""
        taken, rows, in_time_s = 0, 0, asyncio.get_running_loop().time() + self._took_s
        for one in self._waiting:
            if one.until_s > in_time_s:
                break
            self._answer(one, TimeoutError())  # it would hear too late, and keep those behind it waiting
        for one in self._waiting:
            rows += one.rows
            if taken and rows > MOST_ROWS:
                rows -= one.rows
                break
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._rows -= rows
        return [one for one in batch if not one.ended.done()] or (self._next() if self._waiting else [])

    async def aclose(self) -> None:
        """Announce no more; who still waits gets no answer."""
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in self._waiting:
            one.ended.cancel()
