"""Provides the rate of one vendor's buckets, in Redis, shared by all workers (``connectors.limits.Limiter``).

Windows up to a minute are paced: calls are spaced so that no rolling window of the vendor ever holds more than its
count, even when calls arrive ``jitter_s`` off their time. Longer windows are sliding counters that a burst may use up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import RateLimitedError
from connectors.limits import SLOT_PATIENCE_S, Notice, Window
from worker.ledger.money.budgets import BudgetLine, line_args
from worker.ledger.scripts import LedgerUnavailableError, Scripts

_OURS = 0.8  # of the jitter: how late we may be ourselves; the rest is for the way to the vendor
_BOOKINGS = 5  # after as many lost slots the process is too slow to crowd anybody
_PACED_S = 60
_UTILISATION = 0.98


@dataclass(frozen=True, slots=True)
class Pace:
    """Says that calls are due every ``interval_ms``.

    After idleness up to ``slack_ms`` worth of them may come at once.
    """

    interval_ms: float
    slack_ms: float


def jitter_s(window: Window) -> float:
    """Tells how far off its time a call may arrive without crowding the calls after it."""
    return max(0.05, window.seconds / 100)


def pace(window: Window) -> Pace:
    """Returns the even spacing that keeps every rolling window within its count, jitter included.

    With a burst of ``b``, call ``n + 1`` comes ``(n + 1 - b)`` intervals after the first: more than a window and the
    jitter. The burst is what the wanted utilisation leaves over.
    """
    span = window.seconds + jitter_s(window)
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
    """Represents one vendor's buckets. ``vendor`` is a provider's or a crm's name.

    A bucket is named like the target of its pauses: the vendor itself, or ``<vendor>:<part>`` (``<part>`` alone will
    do). The vendor's own pauses hold for all of its buckets. ``chance`` gives [0, 1) for spreading waits.
    """

    def __init__(
        self,
        scripts: Scripts,
        vendor: str,
        buckets: Mapping[str, tuple[Window, ...]],
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._scripts, self._vendor, self._chance = scripts, vendor, chance
        self._args: dict[str, list[str | int]] = {}
        self._late_s: dict[str, float] = {}  # bucket -> lateness at which a slot is lost
        self._worked = Counter[str]()  # answered calls not yet counted in Redis: they go with the next step
        self._probing: dict[str, str] = {}  # bucket -> target it holds a probe of
        self.add(buckets)

    def add(self, buckets: Mapping[str, tuple[Window, ...]]) -> None:
        """Limit further buckets: a connector is built on its limiter and only then tells them."""
        for bucket, windows in buckets.items():
            self._args[self._name(bucket)] = _window_args(windows)
            paced = [_OURS * jitter_s(window) for window in windows if window.seconds <= _PACED_S]
            self._late_s[self._name(bucket)] = min(paced, default=math.inf)

    async def slot(self, bucket: str, patience_s: float = SLOT_PATIENCE_S) -> None:
        """Book the next slot and return at its time.

        Raises:
            RateLimitedError: it is more than ``patience_s`` away, or the bucket is paused, perhaps since the slot was
                booked; nothing may be sent.
            LedgerUnavailableError: Redis did not say.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + patience_s
        for _ in range(_BOOKINGS):
            asked = loop.time()
            wait, is_probe = await self._book(bucket, max(0.0, ends - asked))
            await asyncio.sleep(wait)  # from the answer on: never early, and late by no more than what is measured
            if wait > 0 and not is_probe:
                self._raise_refused(bucket, await self._scripts.run("rate_open", self._vendor, self._name(bucket)))
            if loop.time() - asked - wait <= self._late_s.get(self._name(bucket), math.inf):
                return  # else the slot is lost: sent now the call would crowd those after it

    async def noticed(self, bucket: str, notice: Notice) -> None:
        """Tighten the bucket by what the vendor's own headers said."""
        reset_ms = math.ceil(notice.reset_s * 1000)
        with contextlib.suppress(LedgerUnavailableError):  # a hint, never worth the answer it came with
            await self._scripts.run("rate_noticed", self._name(bucket), notice.remaining, reset_ms, notice.seconds)

    async def limited(self, bucket: str, retry_after_s: float | None, why: str = "") -> None:
        """Pauses the bucket for everybody after a 429 until the vendor's time, or a growing one of ours."""
        asked = -1 if retry_after_s is None else math.ceil(max(0.0, retry_after_s) * 1000)
        with contextlib.suppress(LedgerUnavailableError):
            reason = json.dumps(why or "the vendor answered 429", ensure_ascii=False)[1:-1]
            await self._scripts.run("rate_limited", self._name(bucket), asked, self._spread(), reason)

    async def failed(self, bucket: str) -> None:
        """Notes that a call ended in an outage: at five, and half of all, the bucket is paused until a probe works."""
        name = self._name(bucket)
        probed = self._probing.pop(name, "")
        with contextlib.suppress(LedgerUnavailableError):
            await self._scripts.run("rate_failed", name, self._worked.pop(name, 0), probed, self._spread())

    async def worked(self, bucket: str) -> None:
        """Notes that a call was answered. No round trip unless it was the probe of an outage."""
        name = self._name(bucket)
        probed = self._probing.pop(name, "")
        if probed:
            with contextlib.suppress(LedgerUnavailableError):
                await self._scripts.run("rate_worked", probed)
        else:
            self._worked[name] += 1

    async def capacity(
        self,
        bucket: str,
        *,
        lines: Sequence[BudgetLine] = (),
        price: int = 0,
        closed_share: float = 0.0,
        horizon_s: float = 1.0,
    ) -> int:
        """Returns how many paid calls pauses, rate and budget allow within ``horizon_s``.

        1 when an outage may be probed.
        """
        name, horizon_ms = self._name(bucket), math.ceil(horizon_s * 1000)
        args = (*self._args.get(name, [0]), *line_args(lines, closed_share))
        return int(await self._scripts.run("rate_capacity", self._vendor, name, horizon_ms, price, *args))

    async def opens_at(self, bucket: str) -> int:
        """Returns when (ms) the next call may leave, as far as rate and pauses tell.

        0 = nobody knows, a person must act.
        """
        name = self._name(bucket)
        return int(await self._scripts.run("rate_next", self._vendor, name, *self._args.get(name, [0])))

    async def _book(self, bucket: str, patience_s: float) -> tuple[float, bool]:
        """Returns seconds until the slot, and whether the call is the probe of an outage."""
        name = self._name(bucket)
        args = (math.floor(patience_s * 1000), self._worked.pop(name, 0), *self._args.get(name, [0]))
        answer = await self._scripts.run("rate_slot", self._vendor, name, *args)
        self._raise_refused(bucket, answer)
        wait, probed = answer
        if probed:
            self._probing[name] = probed.decode()
        return int(wait) / 1000, bool(probed)

    def _raise_refused(self, bucket: str, answer: Sequence[bytes]) -> None:
        wait, *rest = answer
        if int(wait) < 0:
            retry_ms, why = int(rest[0]), rest[1].decode()
            retry_s = retry_ms / 1000 if retry_ms else None
            raise RateLimitedError(self._vendor, "slot", retry_after_s=retry_s, bucket=bucket, code=why)

    def _name(self, bucket: str) -> str:
        own = bucket == self._vendor or bucket.startswith(f"{self._vendor}:")
        return bucket if own else f"{self._vendor}:{bucket}"

    def _spread(self) -> int:
        return int(self._chance() * 1000)
