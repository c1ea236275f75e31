"""Every call that leaves a process, numbered: where a process may die, and what the network may do to the call."""

from __future__ import annotations

import asyncio
import contextvars
import random
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.loop import PROCESS, Process, VirtualLoop

OUTSIDE = contextvars.Context()  # of nobody's process: what is under way goes on when its sender dies

TICKET = contextvars.ContextVar("ticket", default="")  # the ticket whose call the running task is about to send


@dataclass(frozen=True, slots=True)
class Plan:
    """Holds what goes wrong in one run.

    ``crashes`` are numbers of port calls (from 1) and the side of the call its process dies on, ``deaths`` the same by
    port and how often it was called. The rates are chances
    per call while faults last (``until_s`` after the start); ``kinds`` of the vendors' faults, none = all.
    """

    crashes: Mapping[int, str] = field(default_factory=dict)
    deaths: Mapping[tuple[str, int], str] = field(default_factory=dict)
    vendor_rate: float = 0.0
    stall_rate: float = 0.0
    store_rate: float = 0.0
    kinds: frozenset[str] = frozenset()
    outages: tuple[tuple[float, float, str], ...] = ()  # of the store: from, to (s after the start), how
    cut_off: tuple[float, float, str] = (0.0, 0.0, "")  # the store, from and to when, for the worker of that name
    frozen_s: float = 0.0  # SIGSTOP soon after somebody's first leases, SIGCONT so much later; stalls only meanwhile
    until_s: float = 0.0
    paid_rate: float = 0.0  # of the vendors' faults, for paid calls alone and whenever they come,
    paid_most: int = 0  # but for no more than so many: other faults leave few of them to be asked in time
    busy_rate: float = 0.0  # of writes to the CRM that are asked to wait, while somebody edits one of their rows
    webhooks: bool = False  # what people do is told at once, late, twice or not at all


_ENDS = frozenset({"work_settle", "work_defer", "work_wait", "work_again", "work_bury", "work_gone", "work_move"})


@dataclass(slots=True)
class Leases:
    """Holds whose lease each record is, as far as claims tell. ``stale`` are steps taken on a lease given on.

    ``questions`` are those of tickets, ``asked`` the records by the questions asked for them, ``sent`` the tickets that
    were to be sent. ``waited`` are the ids of records that waited for a provider.
    """

    held: dict[str, str] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    done: set[tuple[str, str, str]] = field(default_factory=set)
    stale: list[str] = field(default_factory=list)
    waited: set[str] = field(default_factory=set)

    def saw(self, name: str, args: Sequence[Any], result: Any) -> None:
        """A script ran."""
        if name == "work_claim":
            crm, object_, claim = str(args[2]), str(args[3]), str(args[5])
            for row in result:
                self.held[f"{crm}:{object_}:{row[0].decode()}"] = claim
        elif name == "ticket_reserve":
            self.questions[str(args[2])] = str(args[4])
            self.asked.setdefault(str(args[4]), set()).add(str(args[17]))
        elif name == "answer_find" and args[2]:  # what was kept of a question serves this record, too
            for question, kept in zip(args[7:], result, strict=True):
                if kept:
                    self.asked.setdefault(str(question), set()).add(str(args[5]))
        elif name == "ticket_sent" and result[0] == b"1":
            self.sent.add(str(args[2]))
        elif name in _ENDS or name == "work_intend":
            claim, _, record = str(args[3]).partition(":")
            step = (name, claim, record)
            taken = result not in {b"lost", b"retry", 0}
            if taken and self.held.get(record, claim) != claim and step not in self.done:  # a repeat says what it said
                self.stale.append(f"{name} of {record} was taken on a lease that was given on")
            if taken:
                self.done.add(step)
                if name == "work_wait":
                    self.waited.add(record.rpartition(":")[2])


class Ports:
    """The ports of one run. ``matrix`` counts (port, fault)."""

    def __init__(self, loop: VirtualLoop, seed: int, plan: Plan) -> None:
        self.loop, self.plan, self.began = loop, plan, loop.time()
        self.chance = random.Random(f"faults-{seed}")
        self.busy = random.Random(f"busy-{seed}")
        self.calls = self.digest = self.paid_faults = 0
        self.matrix: Counter[tuple[str, str]] = Counter()
        self.trace: list[str] | None = None
        self.leases = Leases()
        self.frozen: Process | None = None
        self.on_death: Callable[[Process], None] = lambda _process: None

    @property
    def since(self) -> float:
        """Seconds since the start."""
        return self.loop.time() - self.began

    @property
    def faulty(self) -> bool:
        """Whether faults still happen."""
        return self.since < self.plan.until_s

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def enter(self, port: str) -> str:
        """Number a call; the side of it on which its process is to die, or ``""``."""
        process = PROCESS.get()
        self.matrix[port, "call"] += 1
        if process is None:
            return ""
        self.calls += 1
        self.digest = zlib.crc32(f"{self.since:.6f} {process.name} {port}".encode(), self.digest)
        if self.trace is not None:
            self.trace.append(f"{self.calls} {self.since:.4f} {process.name} {port}")
        side = self.plan.crashes.get(self.calls) or self.plan.deaths.get((port, self.matrix[port, "call"]), "")
        if side:
            self.matrix[port, f"crash {side}"] += 1
        return side

    async def round_trip(self, port: str, effect: Callable[[], Any]) -> Any:
        """Depart, take effect, come back; the sender may die before the first or right after the second."""
        side, process = self.enter(port), PROCESS.get()
        if side == "before":
            await self.die(process)
        answer: asyncio.Future[Any] = self.loop.create_future()
        back = self.chance.uniform(0.0001, 0.002)

        def happen() -> None:
            try:
                result = effect()
            except Exception as error:  # noqa: BLE001 - it is the sender's
                self.loop.call_later(back, _fail, answer, error, context=OUTSIDE)
            else:
                self.loop.call_later(back, _give, answer, result, context=OUTSIDE)
            if side == "after" and process is not None and not process.dead:
                self.kill(process)

        self.loop.call_later(self.chance.uniform(0.0001, 0.002), happen, context=OUTSIDE)
        return await answer

    def leased(self, process: Process | None) -> None:
        """A process got leases: the first to get any is frozen soon after."""
        if process is not None and self.plan.frozen_s and self.frozen is None:
            self.frozen, after = process, self.chance.uniform(0.3, 2)
            self.loop.call_later(after, self.loop.freeze, process, context=OUTSIDE)
            self.loop.call_later(after + self.plan.frozen_s, self.loop.thaw, process, context=OUTSIDE)
            self.matrix["work_claim", "frozen"] += 1

    def kill(self, process: Process) -> None:
        """Nothing of the process runs from now on; what it sent is under way."""
        process.dead = True
        self.on_death(process)

    async def die(self, process: Process | None) -> None:
        """The end of the process that calls this."""
        assert process is not None
        if not process.dead:
            self.kill(process)
        await self.loop.create_future()

    def store_fault(self, port: str) -> str:
        """Returns what becomes of a call of the store: ``""`` when nothing does."""
        process = PROCESS.get()
        if process is None:
            return ""
        how, since = "", self.loop.moment - self.began
        for start, end, outage in self.plan.outages:
            if start <= since < end:
                how = outage
                break
        start, end, name = self.plan.cut_off
        if process.name == name and start <= since < end:
            how = "away"
        if not how and self.plan.store_rate and self.faulty and self.chance.random() < self.plan.store_rate:
            how = self.chance.choice(("away", "lost answer"))
        if how:
            self.matrix[port, f"redis {how}"] += 1
        return how


def _give(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
