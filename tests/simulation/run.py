"""One run: a world, a seed, what goes wrong, and what the auditor says of it."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import random
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from tests.simulation import seams
from tests.simulation.acts import Acts, drawn_acts
from tests.simulation.audit import Auditor
from tests.simulation.host import Host
from tests.simulation.loop import Process, StuckError, VirtualLoop
from tests.simulation.orgs import scene
from tests.simulation.playing import ORGS, WORLDS
from tests.simulation.ports import OUTSIDE, Plan, Ports
from tests.simulation.store import Client, Step, Store, flat
from tests.simulation.wire import Net, Sent
from tests.simulation.world import EVENTS_S, Scene, Terms, settings
from worker.decide.leftovers import closed_fields
from worker.ledger.journal.journal import Journal
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import DeadLetter, Work

LONGEST_S = 2400.0
DAYS_MOST = 30
AGAIN_S = 1_700.0  # ten minutes, and a round of the recheck: what time alone may end has been tried again
_LOGGER = structlog.make_filtering_bound_logger(logging.INFO)
UNEXPECTED = frozenset({"visit.failed", "ticket.unread", "worker.loop_ended", "visit.lost_unexpectedly"})


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a run follows from."""

    seed: int
    world: int
    terms: Terms = field(default_factory=Terms)
    plan: Plan = field(default_factory=Plan)
    workers: int = 1
    acts: tuple[tuple[str, float], ...] = ()  # commands that people run, and when


@dataclass(slots=True)
class Verdict:
    """Holds what became of a run. ``breaches`` is empty when all promises were kept."""

    case: Case
    breaches: list[str]
    calls: int
    steps: int
    virtual_s: float
    deaths: int
    uncertain: int
    dead: int
    state: Mapping[tuple[str, str], Mapping[str, str]] = field(repr=False)
    matrix: Counter[tuple[str, str]] = field(repr=False)
    digest: str = ""
    trace: list[str] = field(default_factory=list, repr=False)
    tape: Sequence[Step] = field(default_factory=list, repr=False)


def drawn_in_org(seed: int, only: str = "") -> Case:
    """The case of a seed in a world of Salesforce. Besides the others, two deaths on its calls.

    Ten seeds in a row die on both sides of every port.
    """
    case, chance = drawn(seed, only), random.Random(f"org-{seed}")
    places = [(2 * seed + which) % len(_ORG) for which in (0, 1)]
    deaths = {
        (_ORG[place][seed % 2], chance.choice((1, 1, 2))): ("before", "after")[(seed // 5 + place // 5) % 2]
        for place in places
    }
    plan = replace(case.plan, deaths={**case.plan.deaths, **deaths})
    return replace(case, world=WORLDS + seed % ORGS, plan=plan)


_COMPOSITE = "salesforce POST services/data/composite"
_DATA = "salesforce GET services/data/"
_ORG = tuple(  # in even worlds, and in odd ones, which write strictly
    port if isinstance(port, tuple) else (port, port)
    for port in (
        "salesforce POST services/oauth2/token", ("salesforce PATCH data/composite/sobjects", _COMPOSITE),
        "salesforce GET data/sobjects/describe", f"{_DATA}query poll", f"{_DATA}query read", f"{_DATA}query find",
        f"{_DATA}query", f"{_DATA}queryAll read", "salesforce PATCH services/data/sobjects",
        ("salesforce PATCH data/composite/sobjects", _COMPOSITE),
    )
)  # fmt: skip


def drawn(seed: int, only: str = "") -> Case:
    """The case of a seed: how often things fail, how many workers, when they die; ``only`` one kind of trouble."""
    chance = random.Random(f"case-{seed}")
    if only:
        return _narrow(seed, only, chance)
    rate = chance.choice((0.0, 0.05, 0.05, 0.2, 0.5))
    crashes = {chance.randrange(1, 700): chance.choice(("before", "after")) for _ in range(chance.choice((0, 1, 3, 6)))}
    outages = []
    for _ in range(chance.choice((0, 0, 1, 2))):
        start = chance.uniform(1, 100)
        how = chance.choice(("away", "away", "lost answer", "full", "read-only"))
        outages.append((start, start + chance.choice((0.5, 3, 20, 60)), how))
    tight = chance.random() < 0.15
    paid = random.Random(f"paid-{seed}")
    deaths = {
        (paid.choice(paid.choice((_PAID, _TROUBLED))), paid.randrange(1, 4)): paid.choice(("before", "after"))
        for _ in range(paid.choice((0, 1, 2, 4)))
    }
    return Case(
        seed=seed,
        world=seed % WORLDS,
        terms=Terms(
            on_uncertain=chance.choice(("never", "once_if_uncharged")),
            concurrency=chance.choice((3, 20)),
            forager_day=chance.choice((35, 60)) if tight else 100_000,
            kaspr_day=chance.choice((3, 8)) if tight else 100_000,
        ),
        plan=Plan(
            crashes=crashes,
            deaths=deaths | _deaths(chance, chance.choice((0, 0, 2, 5))),
            vendor_rate=rate,
            stall_rate=chance.choice((0.0, 0.0, 0.02, 0.1)),
            store_rate=chance.choice((0.0, 0.0, 0.02, 0.1)),
            outages=tuple(outages),
            cut_off=chance.choice(((0.0, 0.0, ""), (0.0, 0.0, ""), (0.0, 0.0, ""), (20.0, 130.0, "worker-1"))),
            frozen_s=chance.choice((0.0, 0.0, 0.0, 60.0, 110.0)),
            until_s=chance.choice((100.0, 180.0)),
            paid_rate=paid.choice((0.0, 0.1, 0.3)),
            paid_most=paid.choice((2, 8)),
            webhooks=paid.random() < 0.5,
            busy_rate=random.Random(f"held-{seed}").choice((0.0, 0.0, 0.3)),
        ),
        workers=chance.choice((1, 2, 2)),
        acts=drawn_acts(seed),
    )


_DEADLY = (
    "work_add", "deliveries_store", "ticket_reserve", "ticket_sent", "ticket_store", "work_intend", "work_settle",
    "creation_claim", "creation_sent", "creation_end", "deliveries_settled", "hubspot POST contacts/batch/update",
    "hubspot POST crm/objects/contacts", "forager POST datastorage/person_contacts_lookup/work_emails",
    "kaspr POST profile/profile",
)  # fmt: skip

_PAID = (
    "forager POST api/datastorage/person_detail_lookup", "forager POST api/datastorage/person_role_search",
    "forager POST datastorage/person_contacts_lookup/phone_numbers",
    "forager POST datastorage/person_contacts_lookup/work_emails",
    "forager POST datastorage/person_detail_reverse_lookup/by_email",
    "forager POST datastorage/person_detail_reverse_lookup/by_phone_number", "kaspr POST profile/profile",
)  # fmt: skip

_TROUBLED = (  # steps that are taken when something else went wrong before
    "ticket_uncertain", "ticket_release", "ticket_verdict", "ticket_resolve", "work_wait", "work_defer", "work_again",
    "floor_wake", "floor_extend", "rate_failed", "rate_limited", "pause_set", "intake_announce", "work_gone",
)  # fmt: skip


def _deaths(chance: random.Random, count: int) -> dict[tuple[str, int], str]:
    """Deaths on the calls that matter."""
    return {(chance.choice(_DEADLY), chance.randrange(1, 7)): chance.choice(("before", "after")) for _ in range(count)}


def _narrow(seed: int, only: str, chance: random.Random) -> Case:
    plans = {
        "crashes": Plan(deaths=_deaths(chance, 8)),
        "pages read": Plan(deaths={("work_add", 1 + seed % 4): ("before", "after")[seed // 4 % 2]}),
        "vendors": Plan(vendor_rate=0.25, stall_rate=0.1, until_s=150),
        "busy": Plan(busy_rate=0.4, vendor_rate=0.05, until_s=150),
        "pages": Plan(vendor_rate=0.3, kinds=frozenset({"page", "half"}), until_s=150),
        "frozen": Plan(frozen_s=chance.uniform(97, 120), stall_rate=0.4, until_s=200),
        "tight": Plan(),
        "people": Plan(deaths=_deaths(chance, 3)),
        "plans": Plan(deaths=_deaths(chance, 3)),
    }
    tight = only == "tight"
    return Case(
        seed,
        seed % WORLDS,
        Terms(forager_day=35 if tight else 100_000, kaspr_day=3 if tight else 100_000),
        plans[only],
        workers=2,
        acts={"people": _ACTS, "plans": _PLANS}.get(only, ()),
    )


_PLANS = (("planned", 2.0), ("planned", 40.0), ("undo", 75.0))
_ACTS = (("undo", 40.0), ("undo", 75.0), ("forget", 60.0), ("plan", 50.0))

_expected: dict[int, Mapping[tuple[str, str], Mapping[str, str]]] = {}


def expected(world: int) -> list[str]:
    """Play a world undisturbed, once: what is wrong with even that."""
    if world not in _expected:
        verdict = Run(Case(seed=0, world=world)).play()
        _expected[world], _undisturbed[world] = verdict.state, verdict.breaches
    return [f"undisturbed: {breach}" for breach in _undisturbed[world]]


_undisturbed: dict[int, list[str]] = {}


class Run:
    """Plays a case."""

    def __init__(self, case: Case, *, trace: bool = False, taped: bool = False) -> None:
        self.case = case
        seams.seed(case.seed)
        self.loop = VirtualLoop(case.seed, seams.START)
        seams.CLOCK.loop = self.loop
        self.scene: Scene = scene(case.world)
        self.ports = Ports(self.loop, case.seed, case.plan)
        self.ports.trace = [] if trace else None
        self.store = Store()
        self.tape: Sequence[Step] = self.store.record() if taped else []
        self.net = Net(self.ports, self.scene.vendors)
        self.folder = Path(tempfile.mkdtemp(prefix="refill-simulation-"))
        terms = settings(case.terms, self.folder, self.scene)
        self.host = Host(terms, self.store, self.net, self.ports, self.scene)
        self.kinds = (*self.scene.watched, "delivery")
        budgets = {"forager": case.terms.forager_day, "kaspr": case.terms.kaspr_day}
        self.audit = Auditor(self.store, self.net, self.scene, budgets)
        self.scripts = Scripts(Client(self.store, self.ports))  # type: ignore[arg-type]  # as much of it as is used
        self.deaths = self.dead = self.uncertain = 0
        self.acts = Acts(self.host, self.ports, self.scene, case.seed)
        self.living: list[Process] = []
        self.logged: Counter[str] = Counter()

    def play(self) -> Verdict:
        """The run from start to end, judged."""
        asyncio.set_event_loop(self.loop)
        gc.disable()  # so that nothing of a dead process is closed, and thereby run, before the loop is
        structlog.configure(processors=[self._log], wrapper_class=_LOGGER, cache_logger_on_first_use=False)
        try:
            self.loop.run_until_complete(self._story())
        except StuckError as error:
            self.audit.found.append(f"stuck: {error}")
        finally:
            self.loop.close()
            breaches = [*self.audit.found, *dict.fromkeys((*self.host.troubles, *self.acts.troubles))]
            _bury()
            gc.enable()
            asyncio.set_event_loop(None)
            shutil.rmtree(self.folder, ignore_errors=True)
        return Verdict(
            self.case,
            breaches,
            self.ports.calls,
            self.loop.steps,
            self.loop.moment - seams.START,
            self.deaths,
            self.uncertain,
            self.dead,
            self.scene.state(),
            self.ports.matrix,
            f"{self.ports.digest:08x}",
            self.ports.trace or [],
            self.tape,
        )

    def _log(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        self.logged[event["event"]] += 1
        if event["event"] in UNEXPECTED and not self.loop.is_closed():
            error = event.get("exc_info")
            self.host.troubles.append(f"{event['event']}: {event.get('error')} {error}")
        raise structlog.DropEvent

    # ---- the story -----------------------------------------------------------------------------------------------

    async def _story(self) -> None:
        self.ports.on_death = self._died
        if self.case.plan.webhooks:
            self.scene.changed = self._changed
        self.net.on_effect = lambda sent: self.audit.money() if sent.paid else None
        self.net.is_update = lambda sent: bool(self.scene.written_by(sent))
        self.net.on_busy = self._edited_meanwhile
        for _ in range(self.case.workers):
            self.living.append(self.host.start())
        self.acts.begin(self.case.acts)
        for after, event in self.scene.events:
            self.loop.call_at(seams.START + after, event)
        await self._until_idle()
        for kind in self.kinds:
            for letter in await self._letters(kind):
                self.dead += 1
                await Work(self.scripts, self.scene.crm, kind).replay(letter.id, "replay")
        if self.dead:
            await self._until_idle()
        if self.audit.kept_back(self.acts.left_alone()) or await self._left_closed():
            await self.ports.pause(AGAIN_S)
            await self._until_idle()
        await self._judge()
        for process in self.living:
            process.dead = True

    async def _letters(self, kind: str) -> list[DeadLetter]:
        return await Work(self.scripts, self.scene.crm, kind).letters.page()

    def _died(self, process: Process) -> None:
        self.deaths += 1
        self.audit.money()
        if process in self.acts.by:
            self.acts.died(process)
            return
        self.living.remove(process)
        self.loop.call_later(self.ports.chance.uniform(0.2, 130), self._revive, context=OUTSIDE)

    def _revive(self) -> None:
        self.living.append(self.host.start())

    def _changed(self, id_: str) -> None:
        """A person did something to a row: the portal's webhooks tell of it, late, twice or not at all."""
        chance, stamp = self.ports.chance, int(self.loop.moment * 1000)
        for _ in range(chance.choice((0, 1, 1, 2))):
            after = chance.uniform(0.05, chance.choice((2, 40)))
            self.loop.call_later(after, self.host.post, self.living, id_, stamp, context=OUTSIDE)

    def _edited_meanwhile(self, sent: Sent, wait_s: float) -> None:
        """A person fills one of the blanks that a write is about, while the write waits."""
        chance = self.ports.busy
        id_ = chance.choice(sorted(self.scene.written_by(sent)))
        name = chance.choice(self.scene.typable)
        after = chance.uniform(0, wait_s)
        self.loop.call_later(after, self.scene.type, id_, name, f"Typed {sent.departed:.0f}", context=OUTSIDE)

    async def _until_idle(self) -> None:
        """Until faults and events are over and everything polled is settled, waits for a person, or for nothing."""
        began, days, calm = self.loop.time(), 0, 0
        while True:
            await self.ports.pause(self.ports.chance.uniform(2, 6))
            self.audit.money()
            if self.ports.faulty or self.ports.since < EVENTS_S + 15 or len(self.living) < self.case.workers:
                continue
            if self.acts.open:
                if self.loop.time() - began > LONGEST_S:
                    self.audit.found.append(f"unfinished: {self.acts.open} commands")
                    return
                continue
            due, waiting = self._open()
            calm = calm + 1 if due == 0 and self._polled() and not any(self.folder.glob("spool/*")) else 0
            if (calm >= 3 and not waiting) or self.host.troubles:
                return
            if calm >= 3 and days < DAYS_MOST and not self.net.under_way:  # what is asked today is charged today
                days, calm, began = days + 1, 0, self._next_day()
            if self.loop.time() - began > LONGEST_S or days >= DAYS_MOST:
                self.audit.found.append(f"unfinished: {due} due or leased, {waiting} waiting, {self._left()}")
                return

    def _left(self) -> str:
        """Returns what there still is, for whoever looks for the reason."""
        pauses = [
            (target.decode(), flat(self.store.command("HGETALL", f"refill:pause:{target.decode()}")))
            for target in self.store.command("SMEMBERS", "refill:pauses")
        ]
        records = [
            flat(self.store.command("HGETALL", key))
            for key in sorted(self.store.command("KEYS", "refill:work:*:record:*"))
        ]
        spooled = [path.name for path in self.folder.glob("spool/*")]
        done = flat(self.store.command("HGETALL", "refill:timetable:done"))
        return f"pauses {pauses}, records {records}, spooled {spooled}, {dict(self.logged)}, done {done}"

    async def _left_closed(self) -> bool:
        """Whether a row was left with a gap whose property was closed then."""
        ids = [id_ for name in self.scene.people for id_, _ in self.scene.living(name)]
        works = [Work(self.scripts, self.scene.crm, kind) for kind in self.scene.watched]
        found = [one for work in works for one in (await work.memory(ids)).values() if one is not None]
        return any(closed_fields(one.left) for one in found)

    def _open(self) -> tuple[int, int]:
        def count(*parts: str) -> int:
            return int(self.store.command("ZCARD", "refill:work:" + ":".join(parts)))

        due = waiting = 0
        crm = self.scene.crm
        for kind in self.kinds:
            due += count(crm, kind, "due", "alone")
            for lane in ("live", "backfill"):
                due += count(crm, kind, "due", lane) + count(crm, kind, "leased", lane)
                waiting += count(crm, kind, "waiting", lane)
        return due, waiting

    def _polled(self) -> bool:
        """Whether every poll has ended well since the last event and the last fault, and its window ended later, too.

        A poll that only walks an older window to its end, one that somebody died in, is done as well. Where a plan was
        carried out, the next poll brings back what it left open: our own last write is an event, too.
        """
        crm, watched = self.scene.crm, self.scene.watched
        tasks = (*(f"poll:{crm}.{kind}" for kind in watched), "collect:all")
        told = self.store.command("HMGET", "refill:timetable:done", *tasks)
        since = (seams.START + max(EVENTS_S + 10, self.case.plan.until_s)) * 1000
        if self.acts.carried:
            since = max([since, *(1000 * one.departed for one in self.net.sent if self.scene.written_by(one))])
        cursors = [
            json.loads(self.store.command("HGET", "refill:cursors", f"poll:{crm}:{kind}") or "[0,0,0,0]")
            for kind in watched
        ]
        walked = all(not end and start + self.scene.overlap_ms > since for start, end, _, _ in cursors)
        return walked and all(one is not None and int(one) > since for one in told)

    def _next_day(self) -> float:
        """Everybody sleeps until the next day begins."""
        for process in self.living:
            process.dead = True
        self.loop.moment = (self.loop.moment // 86_400 + 1) * 86_400 + 1
        self.living = [self.host.start() for _ in self.living]
        return self.loop.moment

    # ---- the judgement -------------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        audit, desk = self.audit, Desk(self.scripts)
        audit.money()
        audit.charges()
        audit.days()
        audit.writes()
        audit.rereads()
        audit.found += dict.fromkeys(audit.kept_back(self.acts.left_alone()))
        audit.commands(self.acts)
        audit.plans(self.acts, await Journal(self.scripts).since(limit=100_000))
        audit.doubles()
        reasons = " ".join([one.reason for one in await self._letters("delivery")])
        audit.delivered(reasons)
        audit.found += [f"{one} is not known as who is delivered" for one in self.scene.ruled if one in reasons]
        audit.found += dict.fromkeys(self.ports.leases.stale)
        if not self.case.seed:
            audit.echoes()
        uncertain = await desk.uncertain_list(1_000)
        self.uncertain = len(uncertain)
        leases = self.ports.leases
        doubted = [one.ticket for one in self.net.sent if one.paid and not one.told and one.fault != "unsent"]
        doubted += leases.sent - {one.ticket for one in self.net.sent}  # its process died in between
        keys = {leases.questions[ticket] for ticket in doubted if ticket} | {one.key for one in uncertain}
        doubtful = frozenset[str]().union(*(leases.asked.get(key, set()) for key in keys))
        unclean = {one.ticket for one in self.net.sent if one.paid and not one.told}
        for one in uncertain:
            if one.ticket_id not in unclean and self.deaths == 0 and not self._store_faults():
                audit.found.append(f"ticket {one.ticket_id} is uncertain although its call ended well")
        if self.case.seed:
            edited = frozenset(id_ for id_, _ in self.scene.typed) | self.acts.left_alone()
            audit.outcome(expected_of(self.case.world), doubtful | audit.of_same_people(doubtful), edited)
        charged = {one.ticket: one.entry.credits for one in self.net.sent if one.paid and one.entry is not None}
        for one in uncertain:
            await desk.resolve(one.ticket_id, ask_again=False, charged=bool(charged.get(one.ticket_id)))
        for name in budget_names():
            spent = int(self.store.command("HGET", f"refill:credits:{name}", "spent") or 0)
            if spent != audit.bill(name):
                audit.found.append(f"{name}: {spent} booked and {audit.bill(name)} billed once nothing is uncertain")

    def _store_faults(self) -> bool:
        return bool(self.case.plan.outages or self.case.plan.store_rate)


def _bury() -> None:
    """Collect what the dead left, now and not in the next run: what their ``finally`` blocks say then is nobody's."""
    told, sys.unraisablehook = sys.unraisablehook, lambda _told: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # coroutines that were never awaited
            gc.collect()
    finally:
        sys.unraisablehook = told


def budget_names() -> tuple[str, ...]:
    return ("forager", "kaspr")


def expected_of(world: int) -> Mapping[tuple[str, str], Mapping[str, str]]:
    return _expected[world]


def play(case: Case, *, trace: bool = False, taped: bool = False) -> Verdict:
    """Play a case against what its world looks like undisturbed."""
    before = expected(case.world) if case.seed else []
    verdict = Run(case, trace=trace, taped=taped).play()
    verdict.breaches[:0] = before
    return verdict
