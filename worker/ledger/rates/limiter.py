"""Keeps the rate of one vendor's buckets, in Redis, shared by all workers (``connectors.limits.Limiter``).

Windows up to a minute are paced: calls are spaced so that no rolling window of the vendor ever holds more than its
count, even when calls arrive ``jitter_s`` off their time. Longer windows are sliding counters that a burst may use up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from connectors.batching import dozing, resting
from connectors.errors import RateLimitedError
from connectors.limits import NO_SLOT, SLOT_PATIENCE_S, DepartureStep, Notice, SlotAsked, Window, note_slot
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.scripts import LedgerUnavailableError, Scripts

_OURS = 0.8  # of the jitter: how late we may be ourselves; the rest is for the way to the vendor
_BOOKINGS = 5  # after as many lost slots the process is too slow to crowd anybody
_AHEAD_S = 0.25
_CALMER = 0.98  # of the time ahead after each slot that was in time
_DRIFT = 1e-4  # s for each s: what two clocks may move apart
_BLOCK = 50  # slots booked in one step: a script handles so many in a few ms
_PACED_S = 60
_CALM = 2  # longest paced windows after a rest, without which the next 429 is not about too short a rest
_CALM_S, _LONG_CALM_S = 20, 120  # at least, and where nothing is paced
_BRIEF_S = 0.05  # a pause that begins in so short a wait comes as late for the call as one that begins just after it
_UTILISATION = 0.98


class Pace(Struct, frozen=True):
    """Says that calls are due every ``interval_ms``.

    After idleness up to ``slack_ms`` worth of them may come at once.
    """

    interval_ms: float
    slack_ms: float


def jitter_s(window: Window) -> float:
    """Tells how far off its time a call may arrive without crowding the calls after it.

    The writes decided on a read leave when it was answered, which no window of ten seconds should be too short for.
    """
    return max(0.05, min(0.18, 0.018 * window.seconds), window.seconds / 100)


def pace(window: Window) -> Pace:
    """Returns the even spacing that keeps every rolling window within its count, jitter included.

    With a burst of ``b``, call ``n + 1`` comes ``(n + 1 - b)`` intervals after the first: more than a window and the
    jitter. The burst is the rest that the wanted utilisation leaves.
    """
    span = window.seconds + jitter_s(window)
    burst = max(1, math.floor(window.calls * (1 - _UTILISATION * span / window.seconds)) + 1)
    interval = 1000 * span / (window.calls - burst + 1)
    return Pace(interval, (burst - 1) * interval)


def _window_args(windows: Sequence[Window]) -> list[str | int]:
    args: list[str | int] = []
    for window in windows:
        even = pace(window) if window.seconds <= _PACED_S else Pace(0, 0)
        args += [window.calls, window.seconds * 1000, f"{even.interval_ms:.4f}", f"{even.slack_ms:.4f}"]
    return args


@dataclass(slots=True)
class LedgerClock:
    """Bounds the lead of the ledger's clock over ours, in s, by each reply's time.

    The ledger's time lies between asking and answer, so every quick reply narrows the bounds. They widen again with
    time, and start anew where they contradict each other: one of the clocks was set.
    """

    least: float = -math.inf
    most: float = math.inf
    _at: float = 0.0

    def heard(self, ledger_ms: int, asked_s: float, answered_s: float) -> None:
        """Note that the ledger's clock showed ``ledger_ms`` at some time between the two of ours."""
        drift = _DRIFT * (answered_s - self._at)
        least, most = ledger_ms / 1000 - answered_s, (ledger_ms + 1) / 1000 - asked_s
        self.least, self.most = max(least, self.least - drift), min(most, self.most + drift)
        if self.least > self.most:
            self.least, self.most = least, most
        self._at = answered_s


@dataclass(slots=True, eq=False)
class Slot:
    """Holds a slot ``wait_s`` away by the ledger, which by our clock comes after ``first_s`` and before ``due_s``."""

    wait_s: float
    first_s: float
    due_s: float
    is_probe: bool


@dataclass(slots=True, eq=False)
class _Asking:
    """Waits for a slot before ``ends_s``; ``answer`` is the ledger's time in ms, and its word."""

    ends_s: float
    answer: asyncio.Future[tuple[int, Sequence[bytes]]]


class RedisLimiter:
    """Paces one vendor's buckets. ``vendor`` is a provider's or a crm's name.

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
        self._windows: dict[str, list[str | int]] = {}
        self._late_s: dict[str, float] = {}  # bucket -> lateness at which a slot is lost
        self._calm_ms: dict[str, int] = {}  # bucket -> time after a rest in which a 429 makes the next one longer
        self._worked = Counter[str]()  # answered calls not yet counted in Redis: they go with the next step
        self._probing: dict[str, str] = {}  # bucket -> target it holds a probe of

        self._asking = defaultdict[str, deque[_Asking]](deque)  # bucket -> tasks that are not booked for yet
        self._bookings: dict[str, asyncio.Task[None]] = {}  # bucket -> the booking that is on its way
        self._clock = LedgerClock()
        self._ahead_s = defaultdict[str, float](float)  # bucket -> how far ahead a slow process has to book
        self.add(buckets)

    def add(self, buckets: Mapping[str, tuple[Window, ...]]) -> None:
        """Limit further buckets: a connector is built on its limiter and only then tells them."""
        for bucket, windows in buckets.items():
            self._windows[self._name(bucket)] = _window_args(windows)
            paced = [window for window in windows if window.seconds <= _PACED_S]
            self._late_s[self._name(bucket)] = min((_OURS * jitter_s(window) for window in paced), default=math.inf)
            calm_s = max(_CALM_S, *(_CALM * window.seconds for window in paced)) if paced else _LONG_CALM_S
            self._calm_ms[self._name(bucket)] = math.ceil(1000 * calm_s)

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
            if await self._came(bucket, await self._book(bucket, max(0.0, ends - loop.time()))):
                return
        note_slot(self, bucket, math.inf)

    async def within(self, bucket: str, step: DepartureStep) -> bool:
        """Return at the time of the next slot with ``step`` done, in one with taking the slot where that is near.

        Raises: as ``slot``.
        """
        loop, name = asyncio.get_running_loop(), self._name(bucket)
        ends = loop.time() + SLOT_PATIENCE_S
        for _ in range(_BOOKINGS):
            asked_s = loop.time()
            patience_ms, worked = max(0, math.floor(1000 * (ends - asked_s))), self._worked.pop(name, 0)
            asked = SlotAsked(self._vendor, name, worked, patience_ms, self._windows.get(name, ()))
            departure = await step(asked)
            if not departure.slot:
                return departure.is_sent
            self._clock.heard(departure.now_ms, asked_s, loop.time())
            slot = self._slot(bucket, departure.now_ms, departure.slot)
            if departure.is_sent:
                if slot.wait_s and (early_s := slot.due_s - loop.time()) > 0:
                    await dozing(early_s)
                self._note(bucket, slot)
                return True
            if await self._came(bucket, slot):
                break
        else:
            note_slot(self, bucket, math.inf)
        return (await step(NO_SLOT)).is_sent

    async def _came(self, bucket: str, slot: Slot) -> bool:
        """Wait for a slot; whether it may be used. Else it is lost: used now it would crowd those after it.

        Raises:
            RateLimitedError: the bucket was paused meanwhile.
        """
        loop = asyncio.get_running_loop()
        if slot.wait_s > 0:
            await dozing(slot.due_s - loop.time())  # never early, and no later than measured
        if slot.wait_s > _BRIEF_S and not slot.is_probe:
            name = self._name(bucket)
            self._raise_refused(bucket, await self._scripts.shared("rate_open", vendor=self._vendor, bucket=name))
        self._note(bucket, slot)
        return self._is_in_time(self._name(bucket), loop.time() - slot.first_s)

    def _note(self, bucket: str, slot: Slot) -> None:
        """Tell the call until when it may use the slot: what still lies before the wire may take too long."""
        late_s = math.inf if slot.is_probe else self._late_s.get(self._name(bucket), math.inf)
        note_slot(self, bucket, slot.first_s + late_s)

    async def noticed(self, bucket: str, notice: Notice) -> None:
        """Tighten the bucket by the vendor's own headers."""
        reset_ms = math.ceil(notice.reset_s * 1000)
        with contextlib.suppress(LedgerUnavailableError):  # a hint, never worth the answer it came with
            await self._scripts.run(
                "rate_noticed",
                bucket=self._name(bucket),
                remaining=notice.remaining,
                reset=reset_ms,
                seconds=notice.seconds,
            )

    async def limited(self, bucket: str, retry_after_s: float | None, why: str = "") -> None:
        """Pauses the bucket for everybody after a 429 until the vendor's time, or a growing one of ours."""
        name = self._name(bucket)
        asked = -1 if retry_after_s is None else math.ceil(max(0.0, retry_after_s) * 1000)
        with contextlib.suppress(LedgerUnavailableError):
            reason = json.dumps(why or "the vendor answered 429", ensure_ascii=False)[1:-1]
            await self._scripts.run(
                "rate_limited",
                target=name,
                asked=asked,
                calm_ms=self._calm_ms.get(name, 1000 * _LONG_CALM_S),
                chance=self._spread(),
                why=reason,
            )

    async def failed(self, bucket: str) -> None:
        """Notes that a call ended in an outage: at five, and half of all, the bucket is paused until a probe works."""
        name = self._name(bucket)
        probed = self._probing.pop(name, "")
        with contextlib.suppress(LedgerUnavailableError):
            await self._scripts.run(
                "rate_failed",
                target=name,
                worked=self._worked.pop(name, 0),
                probed=probed,
                chance=self._spread(),
            )

    async def worked(self, bucket: str) -> None:
        """Notes that a call was answered. No round trip unless it was the probe of an outage."""
        name = self._name(bucket)
        probed = self._probing.pop(name, "")
        if probed:
            with contextlib.suppress(LedgerUnavailableError):
                await self._scripts.run("rate_worked", target=probed)
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
        room = await self._scripts.run(
            "rate_capacity",
            vendor=self._vendor,
            bucket=name,
            horizon=horizon_ms,
            price=price,
            windows=self._windows.get(name, ()),
            lines=[line.row(closed_share) for line in lines],
        )
        return int(room)

    async def opens_at(self, bucket: str) -> int:
        """Returns when (ms) the next call may leave, as far as rate and pauses tell.

        0 = unknown, a person must act.
        """
        name = self._name(bucket)
        windows = self._windows.get(name, ())
        return int(await self._scripts.run("rate_next", vendor=self._vendor, bucket=name, windows=windows))

    async def _book(self, bucket: str, patience_s: float) -> Slot:
        """Returns the next slot. A caller that comes while a booking is on its way gets its slot with the next one."""
        loop, name = asyncio.get_running_loop(), self._name(bucket)
        asking = _Asking(loop.time() + patience_s, loop.create_future())
        self._asking[name].append(asking)
        if name not in self._bookings:
            self._bookings[name] = asyncio.ensure_future(self._book_all(name))
        return self._slot(bucket, *await resting(asking.answer))

    def _slot(self, bucket: str, now_ms: int, answer: Sequence[bytes]) -> Slot:
        """Returns the slot that the ledger gave at ``now_ms``."""
        self._raise_refused(bucket, answer)
        wait_ms, probed = int(answer[0]), answer[1]
        if probed:
            self._probing[self._name(bucket)] = probed.decode()
        at_s = (now_ms + wait_ms) / 1000
        return Slot(wait_ms / 1000, at_s - self._clock.most, at_s - self._clock.least, is_probe=bool(probed))

    async def _book_all(self, name: str) -> None:
        """Book for all askers, many slots in one step, until there are none."""
        asking = self._asking[name]
        try:
            while asking:
                block = [asking.popleft() for _ in range(min(_BLOCK, len(asking)))]
                await self._book_block(name, [one for one in block if not one.answer.done()])
        finally:
            del self._bookings[name]

    async def _book_block(self, name: str, block: Sequence[_Asking]) -> None:
        loop = asyncio.get_running_loop()
        asked_s, ahead_ms = loop.time(), math.ceil(1000 * self._ahead_s[name])
        patience = [max(0, math.floor(1000 * (one.ends_s - asked_s))) for one in block]
        try:
            now_ms, *answers = await self._scripts.run(
                "rate_slot",
                vendor=self._vendor,
                bucket=name,
                ahead=ahead_ms,
                worked=self._worked.pop(name, 0),
                windows=self._windows.get(name, ()),
                patiences=patience,
            )
        except BaseException as error:
            for one in block:
                if not one.answer.done():
                    one.answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._clock.heard(int(now_ms), asked_s, loop.time())
            for one, answer in zip(block, answers, strict=True):
                if not one.answer.done():
                    one.answer.set_result((int(now_ms), answer))

    def _is_in_time(self, name: str, late_s: float) -> bool:
        """Returns whether a slot may still be used; a process that loses slots books further ahead."""
        if late_s <= self._late_s.get(name, math.inf):
            self._ahead_s[name] *= _CALMER
            return True
        self._ahead_s[name] = min(_AHEAD_S, max(self._ahead_s[name], late_s))
        return False

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
