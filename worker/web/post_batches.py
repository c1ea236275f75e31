"""Gathers the posts that arrive at the same time into one step of the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

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
    answered only when the step that holds it has ended, and the next step leaves before that, so that Redis works while
    answers are written. Where many rows wait, a second step is sent while Redis is busy with the first. ``run_of``
    names the run of a crm.
    """

    def __init__(self, intake: Intake, run_of: Callable[[str], str]) -> None:
        self._intake, self._run_of = intake, run_of
        self._waiting: list[_Waiting] = []  # the longest first
        self._rows = 0
        self._unanswered: dict[_Waiting, None] = {}  # those of steps that are under way, too; the longest first
        self._timer: asyncio.TimerHandle | None = None  # for the first of them: one of each post's own costs more
        self._leaving: asyncio.Handle | None = None  # at the end of this turn of the loop
        self._steps: set[asyncio.Future[Any]] = set()
        self._took_s = 0.0

    def announce(self, post: AnnouncedPost) -> asyncio.Future[None]:
        """Returns what ends within a second: when all rows are in the work, or in ``LedgerUnavailableError``."""
        loop = asyncio.get_running_loop()
        one = _Waiting(post, post.count, loop.time() + ANSWER_S, loop.create_future())
        self._waiting.append(one)
        self._unanswered[one] = None
        if self._timer is None:
            self._timer = loop.call_at(one.until_s, self._look)
        self._rows += one.rows
        if self._leaving is None and self._may_leave():
            self._leaving = loop.call_soon(self._leave)
        return one.ended

    def _may_leave(self) -> bool:
        return not self._steps or (self._rows >= ENOUGH_ROWS and len(self._steps) < MOST_STEPS)

    def _leave(self) -> None:
        """Send the next step, if anybody waits for one."""
        self._leaving = None
        batch = self._next()
        if not batch:
            return
        posts = [one.post for one in batch]
        runs = {crm: self._run_of(crm) for crm in {crm for post in posts for crm, _ in post.rows}}
        try:
            step = asyncio.ensure_future(self._intake.begun(posts, runs))
        except Exception as error:  # noqa: BLE001  # whatever it is, every sender of this step must hear of it
            self._answer_all(batch, error)
            return
        self._steps.add(step)
        step.add_done_callback(partial(self._ended, batch, asyncio.get_running_loop().time()))

    def _ended(self, batch: list[_Waiting], began_s: float, step: asyncio.Future[Any]) -> None:
        self._steps.discard(step)
        took_s = asyncio.get_running_loop().time() - began_s
        self._took_s = min(took_s, ANSWER_S / 3)  # one slow step shuts nobody out who has just come
        if step.cancelled():  # the process ends
            for one in batch:
                one.ended.cancel()
            return
        if self._waiting and self._leaving is None and self._may_leave():
            self._leave()
        self._answer_all(batch, step.exception())

    def _answer_all(self, batch: list[_Waiting], failure: BaseException | None) -> None:
        for one in batch:
            self._answer(one, failure)

    def _answer(self, one: _Waiting, failure: BaseException | None) -> None:
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
        """Returns posts for one step, no more than it may have rows; none if nobody waits."""
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
        for handle in (self._timer, self._leaving):
            if handle is not None:
                handle.cancel()
        steps = list(self._steps)
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)
        for one in self._waiting:
            one.ended.cancel()
