"""The rate of one vendor's buckets, in Redis, shared by all workers (``connectors.limits.Limiter``).

Windows up to a minute are paced: calls are spaced so that no rolling window of the vendor ever holds more than its
count, even when calls arrive ``JITTER_S`` off their time. Longer windows are sliding counters that a burst may use up.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import RateLimitedError
from connectors.limits import SLOT_PATIENCE_S, Notice, Window
from worker.ledger.budgets import BudgetLine, line_args
from worker.ledger.scripts import LedgerUnavailableError, Scripts

JITTER_S = 0.05
_LATE_S = 0.04  # a slot reached later than this is lost: sent now it would crowd the slots after it
_BOOKINGS = 3  # after as many lost slots the process is too slow to crowd anybody
_PACED_S = 60
_UTILISATION = 0.98


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls are due every ``interval_ms``; after idleness up to ``slack_ms`` worth of them may come at once."""

    interval_ms: float
    slack_ms: float


def pace(window: Window) -> Pace:
    """The even spacing that keeps every rolling window within its count, jitter included.

    With a burst of ``b``, call ``n + 1`` comes ``(n + 1 - b)`` intervals after the first: more than a window and the
    jitter. The burst is what the wanted utilisation leaves over.
    """
    span = window.seconds + JITTER_S
    burst = max(1, math.floor(window.calls * (1 - _UTILISATION * span / window.seconds)) + 1)
    interval = 1000 * span / (window.calls - burst + 1)
    return Pace(interval, (burst - 1) * interval)


def _window_args(windows: Sequence[Window]) -> list[str | int]:
    args: list[str | int] = [len(windows)]
    for window in windows:
        even = pace(window) if window.seconds <= _PACED_S else Pace(0, 0)
        args += [window.calls, window.seconds * 1000, f"{even.interval_ms:.4f}", f"{even.slack_ms:.4f}"]
    return args


class RedisLimiter:
    """One vendor's buckets. ``vendor`` is a provider's or a crm's name: pauses of both names and buckets hold.

    ``outage_pauses_vendor``: an outage of a bucket pauses the vendor's own name too, until the next probe (for a crm,
    whose visits can do nothing without it). ``chance`` gives [0, 1) for spreading waits.
    """

    def __init__(
        self,
        scripts: Scripts,
        vendor: str,
        buckets: Mapping[str, tuple[Window, ...]],
        *,
        outage_pauses_vendor: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._scripts, self._vendor, self._buckets = scripts, vendor, buckets
        self._args = {bucket: _window_args(windows) for bucket, windows in buckets.items()}
        self._whole = int(outage_pauses_vendor)
        self._chance = chance
        self._worked = dict.fromkeys(buckets, 0)  # answered calls not yet told to Redis: they go with the next step
        self._probing: set[str] = set()

    def add(self, buckets: Mapping[str, tuple[Window, ...]]) -> None:
        """Limit further buckets: a connector is built on its limiter and only then tells them."""
        self._buckets = {**self._buckets, **buckets}
        self._args |= {bucket: _window_args(windows) for bucket, windows in buckets.items()}
        self._worked |= dict.fromkeys(buckets, 0)

    async def slot(self, bucket: str, patience_s: float = SLOT_PATIENCE_S) -> None:
        """Book the next slot and return at its time.

        Raises:
            RateLimitedError: it is more than ``patience_s`` away, or the bucket is paused; nothing is taken.
            LedgerUnavailableError: Redis did not say.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + patience_s
        for _ in range(_BOOKINGS):
            asked = loop.time()
            due = asked + await self._book(bucket, max(0.0, ends - asked))
            await asyncio.sleep(max(0.0, due - loop.time()))
            if loop.time() - due <= _LATE_S:
                return

    async def noticed(self, bucket: str, notice: Notice) -> None:
        """Tighten the bucket by what the vendor's own headers said."""
        args = (bucket, notice.remaining, math.ceil(notice.reset_s * 1000), notice.seconds)
        with contextlib.suppress(LedgerUnavailableError):  # a hint, never worth the answer it came with
            await self._scripts.run("rate_noticed", self._vendor, *args)

    async def limited(self, bucket: str, retry_after_s: float | None) -> None:
        """A 429 came: pause the bucket for everybody until the vendor's time, or a growing one of ours."""
        asked = -1 if retry_after_s is None else math.ceil(max(0.0, retry_after_s) * 1000)
        with contextlib.suppress(LedgerUnavailableError):
            await self._scripts.run("rate_limited", self._vendor, bucket, asked, self._spread())

    async def failed(self, bucket: str) -> None:
        """A call ended in an outage: at five, and half of all, the bucket is paused until a probe works."""
        probe = bucket in self._probing
        self._probing.discard(bucket)
        args = (bucket, self._take_worked(bucket), int(probe), self._spread(), self._whole)
        with contextlib.suppress(LedgerUnavailableError):
            await self._scripts.run("rate_failed", self._vendor, *args)

    async def worked(self, bucket: str) -> None:
        """A call was answered. No round trip unless it was the probe of an outage."""
        if bucket in self._probing:
            self._probing.discard(bucket)
            with contextlib.suppress(LedgerUnavailableError):
                await self._scripts.run("rate_worked", self._vendor, bucket)
        else:
            self._worked[bucket] = self._worked.get(bucket, 0) + 1

    async def capacity(
        self,
        bucket: str,
        *,
        lines: Sequence[BudgetLine] = (),
        price: int = 0,
        closed_share: float = 0.0,
        horizon_s: float = 1.0,
    ) -> int:
        """How many paid calls pauses, rate and budget allow within ``horizon_s``; 1 when an outage may be probed."""
        windows = self._args.get(bucket, [0])
        budget = line_args(lines, closed_share)
        horizon_ms = math.ceil(horizon_s * 1000)
        return int(await self._scripts.run("rate_capacity", self._vendor, bucket, horizon_ms, price, *windows, *budget))

    async def _book(self, bucket: str, patience_s: float) -> float:
        args = (bucket, math.floor(patience_s * 1000), self._take_worked(bucket), *self._args.get(bucket, [0]))
        wait, *rest = await self._scripts.run("rate_slot", self._vendor, *args)
        if int(wait) < 0:
            retry_ms, why = int(rest[0]), rest[1].decode()
            retry_s = retry_ms / 1000 if retry_ms else None
            raise RateLimitedError(self._vendor, "slot", retry_after_s=retry_s, bucket=bucket, code=why)
        if rest[0] == b"1":
            self._probing.add(bucket)
        return int(wait) / 1000

    def _take_worked(self, bucket: str) -> int:
        worked = self._worked.get(bucket, 0)
        self._worked[bucket] = 0
        return worked

    def _spread(self) -> int:
        return int(self._chance() * 1000)
