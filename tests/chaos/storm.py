"""Carries a plan out on two workers, checks the money all along, and brings everything to its end."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from tests.chaos.delivered import Brought, Desk
from tests.chaos.people import DUPLICATE_RULE, People
from tests.chaos.plan import PAID, Event, Plan, Storm
from tests.chaos.terminal import Terminal
from tests.chaos.yard import OBJECTS, Yard
from tests.harness.books import Books
from tests.harness.until import until
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.work import Lane

Row = tuple[str, str, str]
CHECK_S, LOOK_S = 1.0, 0.1
FOLLOWING = "sync-after-the-storm"  # the next pass of a person


@dataclass(slots=True)
class Watch:
    """Strikes a worker at the armed step. ``seen`` counts every step that was come to, by name and side.

    ``slot`` was struck last, when so many workers had been started there.
    """

    yard: Yard | None = None
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    slot: int = 0
    starts: int = 0
    _armed: Event | None = None
    _count: int = 0

    def arm(self, event: Event) -> None:
        self._armed, self._count = event, 0
        self.struck.clear()

    def __call__(self, slot: int, step: str, side: str) -> bool:
        self.seen[step, side] += 1
        event = self._armed
        if event is None or event.step is None or (step, side) != (event.step.name, event.step.side):
            return False
        self._count += 1
        if self._count < event.step.nth:
            return False
        self.strike(slot)
        return event.kind == "kill"

    def strike(self, slot: int) -> None:
        """Strike the worker of a slot now."""
        event, self._armed = self._armed, None
        if event is not None and self.yard is not None:
            self.slot, self.starts = slot, self.yard.slots[slot].starts
            self.yard.slots[slot].signal(signal.SIGKILL if event.kind == "kill" else signal.SIGSTOP)
        self.struck.set()


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Rows by (crm, table, id), what was asked for each, and how many were settled, when nothing was in the way.

    ``brought`` is what became of the deliveries.
    """

    rows: Mapping[Row, Mapping[str, str]]
    asked: Mapping[Row, frozenset[str]]
    records: int
    brought: Brought


@dataclass(slots=True)
class Told:
    """Holds what was done to a run. ``missed`` strikes came without a step, ``cut_bytes`` power cuts took."""

    done: Counter[str] = field(default_factory=Counter)
    open_kills: int = 0
    missed: int = 0
    cut_bytes: list[int] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class Run:
    """One storm over a yard."""

    plan: Plan
    yard: Yard
    watch: Watch
    books: Books
    patience_s: float
    people: People
    desk: Desk
    terminal: Terminal
    told: Told = field(default_factory=Told)
    doubted: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)

    @classmethod
    def over(cls, plan: Plan, yard: Yard, watch: Watch, patience_s: float) -> Run:
        """A run over a yard in which nothing has happened yet."""
        yard.vendors["salesforce"].control("duplicate-rules", {"rules": [DUPLICATE_RULE]})
        desk = Desk(yard, plan.storm)
        terminal = Terminal(yard, desk.truth)
        return cls(plan, yard, watch, Books.of(yard.vendors), patience_s, People(yard), desk, terminal)

    async def storm(self) -> None:
        """Every event of the plan, one after the other, while people edit what is visited."""
        began = time.monotonic()
        self.yard.start()
        edits = asyncio.create_task(self._edited())
        try:
            for event in self.plan.events:
                await self._carry_out(event)
                self.told.done[event.kind] += 1
        finally:
            edits.cancel()
            await asyncio.gather(edits, return_exceptions=True)
        self.told.seconds = time.monotonic() - began

    async def _edited(self) -> None:
        chance = random.Random(f"{self.plan.storm.seed}/edits")
        while len(self.people.edited) < self.plan.storm.edits:
            try:
                await self.people.edit(self.plan.storm.edits, chance)
            except (LedgerUnavailableError, RedisError):  # nobody can tell what is visited
                await asyncio.sleep(LOOK_S)

    def arrive(self) -> None:
        """Two more companies are delivered with their people."""
        self.yard.vendors["openprospect"].control("act/deliver", {"companies": 2})

    async def _carry_out(self, event: Event) -> None:
        match event.kind:
            case "kill" | "stop":
                await self._strike(event)
            case "restart":
                await self.yard.restart_redis(event.amount)
            case "cut":
                self.told.cut_bytes.append(await self.yard.cut_redis(event.amount))
            case "full":
                await self.yard.fill_redis(event.amount)
            case "readonly":
                await self.yard.demote_redis(event.amount)
            case "down":
                proxies = [slot.vendors[event.vendor] for slot in self.yard.slots]
                for proxy in proxies:
                    await proxy.close()
                await asyncio.sleep(event.amount)
                for proxy in proxies:
                    await proxy.open(proxy.address)
            case "expire":
                self.yard.vendors[event.vendor].control("expire-tokens", {})
            case "repeat":
                await self.yard.repeat(random.Random(event.amount))
            case "arrive":
                self.arrive()
            case "lock":
                await self.people.lock(random.Random(event.amount))
            case "rule":
                await self.people.rule()
            case "hide":
                await self.people.hide(event.amount)
            case "plan" | "undo" | "forget":
                chance = random.Random(f"{self.plan.storm.seed}/{event.kind}/{event.amount}")
                self.terminal.order(event.kind, event.slot, event.amount, chance)

    async def _strike(self, event: Event) -> None:
        self.watch.arm(event)
        open_ = event.step is not None and event.step.name in PAID and event.step.side == "between"
        try:  # a paid call may have to wait for the end of a pause
            async with asyncio.timeout(self.patience_s * (6 if open_ else 1)):
                await self.watch.struck.wait()
        except TimeoutError:
            self.told.missed += 1
            self.watch.strike(event.slot)
        else:
            assert event.step is not None
            self.told.open_kills += event.kind == "kill" and event.step.name.endswith(".paid")
        slot = self.yard.slots[self.watch.slot]
        if event.kind == "stop":
            await asyncio.sleep(event.amount / 2)
            if event.lapse:
                await self.yard.lapse()  # longer than a lease, by the ledger's own clock
            await asyncio.sleep(event.amount / 2)
            slot.signal(signal.SIGCONT)
            return
        await until(lambda: slot.starts > self.watch.starts, "a new worker")
        if event.lapse:
            await self.yard.lapse()

    # ---- the end -------------------------------------------------------------------------------------------------

    async def calm(self, within_s: float) -> None:
        """Nothing goes wrong any more; a person resumes what is paused. Returns when nothing is left to do."""
        for name in self.plan.rules:
            self.yard.vendors[name].control("faults", method="DELETE")
        for slot in self.yard.slots:
            for proxy in slot.vendors.values():
                proxy.calm = True
        self.terminal.is_calm = True
        await self.yard.lapse()
        await self.people.calm()
        deadline = time.monotonic() + within_s
        while not (self.terminal.is_done and await self.idle()):
            if time.monotonic() > deadline:
                raise AssertionError(f"never idle: {await self.standing()}")
            for pause in await self.yard.ledger.pauses.all():
                await self.yard.ledger.pauses.lift(pause.target, pause.reason)
            await self._hasten()
            await asyncio.sleep(0.5)
        self.terminal.failed()

    async def _hasten(self) -> None:
        """Tries now what waits for a later try, but nothing that waits for a verdict."""
        ledger, refs = self.yard.ledger, []
        for crm, kind in await ledger.all_work.works():
            for lane in (*Lane, "alone"):
                key = ledger.scripts.keys("due", crm, kind, lane)
                refs += [(crm, kind, id_.decode()) for id_ in await self.yard.redis.zrange(key, 0, -1)]
            await ledger.work(crm, kind).of_run.own_all(FOLLOWING, only_cut=True)  # what a plan left alone
        waiting = await ledger.desk.due_verdicts() or await self._verdicts()
        if not waiting:
            await ledger.all_work.wake(refs)

    async def _verdicts(self) -> int:
        return int(await self.yard.redis.zcard(self.yard.ledger.scripts.keys("tickets_verdicts")))

    async def idle(self) -> bool:
        """Every row was polled, nothing is due, leased or waiting, and no call is open."""
        ledger = self.yard.ledger
        begun = await ledger.timetable.last()
        polls = (*(f"poll:acme_{crm}.{kind}" for (crm, _), kind in OBJECTS.items()), "collect:all")
        if any(name not in begun or not begun[name].done_ms for name in polls) or await self._verdicts():
            return False
        for crm, kind in await ledger.all_work.works():
            counts = await ledger.work(crm, kind).counts()
            if counts.due or counts.leased or counts.waiting:
                return False
        totals = await self.books.totals(ledger.budgets)
        return all(ours.reserved == ours.sent == 0 for ours, _ in totals.values())

    async def standing(self) -> str:
        """Says in words where everything stands."""
        ledger = self.yard.ledger
        works = {work: await ledger.work(*work).counts() for work in await ledger.all_work.works()}
        pauses = [(pause.target, pause.reason) for pause in await ledger.pauses.all()]
        return f"{works} {pauses} {await self.books.totals(ledger.budgets)} {await ledger.timetable.last()}"


@asynccontextmanager
async def checked(run: Run) -> AsyncIterator[None]:
    """The money is checked each second while the block runs, and once more at its end."""

    async def check() -> None:
        while True:
            try:
                await run.books.check(run.yard.ledger.budgets)
                run.paused |= {pause.reason for pause in await run.yard.ledger.pauses.all()}
            except (LedgerUnavailableError, RedisError):  # Redis is away: nobody is told anything
                run.told.done["check skipped"] += 1
            await asyncio.sleep(CHECK_S)

    task = asyncio.create_task(check())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await run.books.check(run.yard.ledger.budgets)


async def undisturbed(storm: Storm, within_s: float) -> Undisturbed:
    """The same work done by two workers with nothing in their way."""
    plan = Plan(storm, (), {})
    watch = Watch()
    yard = await Yard.open(plan, watch, spoiled=False)
    run = Run.over(plan, yard, watch, patience_s=0)
    try:
        for _ in range(storm.arrivals):
            run.arrive()
        yard.start()
        async with asyncio.timeout(within_s):
            while not await run.idle():  # noqa: ASYNC110 - what is waited for is in Redis
                await asyncio.sleep(LOOK_S)
        works = await yard.ledger.all_work.works()
        records = sum([(await yard.ledger.work(*name).counts()).settled for name in works])
        rows, rows_by = run.desk.named(yard.vendors.state())
        asked = {key: frozenset(one.key for one in await yard.asked(row)) for key, row in rows_by.items()}
        return Undisturbed(rows, asked, records, await run.desk.brought())
    finally:
        await yard.close()
