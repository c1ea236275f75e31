"""Batches posts: those that arrive while a step is on its way to the disk go there together with the next one.

A step is one script and, with ``appendfsync always``, one fsync, whether it holds one post or fifty. Every post is
answered only when the step that holds it has ended. Where many rows wait, a second step is put together while Redis is
busy with the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import Struct

from worker.ledger.intake.intake import Announced, Intake
from worker.ledger.journal.figures import WorkName
from worker.ledger.scripts import LedgerUnavailableError

MOST_ROWS = 2_000  # of one step, so that none holds Redis for long
ENOUGH_ROWS = 100  # for a step of their own, though one is on its way
MOST_STEPS = 3
Rows = Mapping[WorkName, Sequence[Announced]]


class _Post(Struct, frozen=True):
    rows: Rows
    runs: Mapping[str, str]
    ended: asyncio.Future[None]

    @property
    def count(self) -> int:
        """Tells how many rows."""
        return sum(map(len, self.rows.values()))


class PostBatches:
    """Announces posts, one step after the other."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._posts: list[_Post] = []
        self._rows = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def announce(self, rows: Rows, runs: Mapping[str, str]) -> None:
        """Return when all of ``rows`` are in the work.

        Raises:
            LedgerUnavailableError: the sender must not take them for taken.
        """
        post = _Post(rows, runs, asyncio.get_running_loop().create_future())
        self._posts.append(post)
        self._rows += post.count
        if not self._tasks or (self._rows >= ENOUGH_ROWS and len(self._tasks) < MOST_STEPS):
            task = asyncio.create_task(self._run(), name="gathering")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await post.ended

    async def _run(self) -> None:
        while posts := self._next():
            rows: dict[WorkName, list[Announced]] = {}
            runs: dict[str, str] = {}
            for post in posts:
                runs |= post.runs
                for work, group in post.rows.items():
                    rows.setdefault(work, []).extend(group)
            failure: Exception | None = None
            try:
                await self._intake.announce(rows, runs)
            except Exception as error:  # noqa: BLE001  # whatever it is, every sender of this step must hear of it
                failure = error
            for post in posts:
                if post.ended.done():  # its sender did not wait
                    continue
                if failure is None:
                    post.ended.set_result(None)
                else:
                    post.ended.set_exception(LedgerUnavailableError(type(failure).__name__))

    def _next(self) -> list[_Post]:
        """Returns posts for one step: at least one, and no more rows than a step may have."""
        taken, rows = 0, 0
        for post in self._posts:
            rows += post.count
            if taken and rows > MOST_ROWS:
                break
            taken += 1
        posts, self._posts = self._posts[:taken], self._posts[taken:]
        self._rows = sum(post.count for post in self._posts)
        return [post for post in posts if not post.ended.done()] or (self._next() if self._posts else [])

    async def aclose(self) -> None:
        """Announce no more; who still waits gets no answer."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for post in self._posts:
            post.ended.cancel()
