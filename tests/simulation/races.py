"""Races between our writes and people: each batch meets trouble, and somebody edits one blank of each of its rows.

The edits come at every point: around the departure, effect and answer of each call, and while a write waits. What is
wrong is what the auditor says of the CRM's own books: a person's value may be overwritten only by a write that had
departed within two seconds of a read the edit came after.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from connectors.errors import ConnectorError
from connectors.models import Company, Email, Found, Grade, Person, Phone, PhoneKind
from connectors.openprospect.read import DeliveredCompany
from sandbox.hubspot.table import PERSON as PORTAL_PERSON
from sandbox.salesforce.store import PERSON as ORG_PERSON
from tests.simulation import seams
from tests.simulation.audit import Auditor
from tests.simulation.host import plug
from tests.simulation.loop import VirtualLoop
from tests.simulation.orgs import OrgScene, scene
from tests.simulation.playing import WORLDS
from tests.simulation.ports import OUTSIDE, Plan, Ports
from tests.simulation.store import Client, Store
from tests.simulation.wire import Answer, Net, Sent, Trouble
from tests.simulation.world import Scene, Terms, settings
from worker.decide.decision import Change
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.work.work import Due, Lane, Lease
from worker.service.opening import open_crms
from worker.service.runtime import Runtime, open_runtime
from worker.visits.push import PendingWrite, PushEnd, Pusher

OWNER = "racer"
LONGEST_S = 60.0
GROUPS = 60  # batches that share one CRM and its books
BETWEEN_S = 130.0  # virtual: every pause is over by then
PATIENCE = 20  # reads that may fail one after the other because of what a group left behind
LAST_STEP = 18  # each call has a departure, an effect and an answer
OURS = {"job_title": "Head of Racing", "phone": "+4930123456", "mobile_phone": "+4915123456789"}
FAULTS = (
    "unsent", "closed before", "closed after", "timeout before", "timeout after", "500 before", "503 after", "408",
    "429", "cut", "page", "half", "503 busy", "503 busy after", "423", "slow there", "slow back",
)  # fmt: skip
STATES = ("lock", "bad value", "session")  # of the CRM, the rows or our session, rather than of one call
_ROW: TypeAdapter[DeliveredCompany] = TypeAdapter(DeliveredCompany)


class RacingNet(Net):
    """The network: ``script`` is what happens to the next calls, ``on_step`` is told of everything they do."""

    def __init__(self, ports: Ports, vendors: Mapping[str, Any]) -> None:
        super().__init__(ports, vendors)
        self.script: list[Trouble] = []
        self.on_step: Callable[[], None] = lambda: None
        self.on_effect = lambda _sent: self.on_step()

    def trouble(self, port: str, sent: Sent) -> Trouble:
        del sent
        aside = any(word in port for word in ("describe", "token", "properties"))
        return self.script.pop(0) if self.script and not aside else Trouble()

    async def exchange(
        self, name: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Answer, str]:
        self.on_step()
        try:
            return await super().exchange(name, method, url, headers, body)
        finally:
            self.on_step()


@dataclass(slots=True)
class _Edit:
    """A person's edit of one row: after how many steps and seconds, and whether it was made in time."""

    id: str
    name: str
    step: int
    after_s: float
    made: bool = False


@dataclass(slots=True)
class Tally:
    """``races`` are rows that somebody edited while we wrote, ``overwritten`` those within the documented window."""

    races: int = 0
    overwritten: int = 0
    pushed: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)


class Heat:
    """So many groups in one CRM."""

    def __init__(self, seed: int, *, salesforce: bool) -> None:
        seams.seed(seed)
        self.chance = random.Random(f"race-{seed}")
        self.loop = VirtualLoop(seed, seams.START)
        seams.CLOCK.loop = self.loop
        self.scene: Scene = scene(WORLDS + seed % 2 if salesforce else 0)  # every other org writes strictly
        ports = Ports(self.loop, seed, Plan())
        store = Store()
        self.net = RacingNet(ports, self.scene.vendors)
        self.redis: Any = Client(store, ports)
        self.audit = Auditor(store, self.net, self.scene, {})
        self.seed, self.tally, self.made = seed, Tally(), 0
        self.folder = Path(tempfile.mkdtemp(prefix="refill-races-"))
        self.side: _Portal = _Org(self.scene) if isinstance(self.scene, OrgScene) else _Portal(self.scene)

    def play(self) -> Tally:
        asyncio.set_event_loop(self.loop)
        structlog.configure(processors=[_dropped], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        try:
            self.loop.run_until_complete(self._heat())
        finally:
            self.loop.close()
            asyncio.set_event_loop(None)
            shutil.rmtree(self.folder, ignore_errors=True)
        self.audit.writes()
        self.audit.rereads()
        self.tally.breaches += [f"seed {self.seed}: {one}" for one in self.audit.found]
        return self.tally

    async def _heat(self) -> None:
        terms = settings(Terms(), self.folder, self.scene)
        async with open_runtime(terms, self.redis, owner=OWNER) as runtime:
            plug(self.net, runtime.crms[self.scene.crm], self.scene.vendor)
            await open_crms(runtime)
            watch = runtime.watches[self.scene.crm, "contact"]
            pusher = Pusher(watch, runtime.limiters[self.scene.crm], verify=frozenset())
            for group in range(GROUPS):
                await self._group(runtime, pusher, delivers=group % 4 == 3)
                await self._calm(runtime)
            await pusher.aclose()

    async def _calm(self, runtime: Runtime) -> None:
        """Until nothing of a group is under way any more, and nothing is paused because of it."""
        await asyncio.sleep(BETWEEN_S)
        for pause in await runtime.ledger.pauses.all():
            await runtime.ledger.pauses.lift(pause.target, pause.reason)

    async def _group(self, runtime: Runtime, pusher: Pusher, *, delivers: bool) -> None:
        chance, side = self.chance, self.side
        numbers = [self._number() for _ in range(chance.choice((1, 1, 2, 5)))]
        ids = [side.made(number) for number in numbers]
        company = side.company(numbers[0]) if delivers else ""
        edits = [_Edit(id_, chance.choice(side.names), *self._when()) for id_ in ids]
        state = chance.choice((*STATES, *[""] * 6))
        if state == "lock":
            side.lock(chance, ids)
        elif state == "session":
            side.expire()
        self.net.script = self._script()
        self._follow(edits)
        if delivers:
            await self._deliver(runtime, numbers, company)
        else:
            bad = chance.randrange(len(ids)) if state == "bad value" else -1
            await self._push(runtime, pusher, ids, bad)
        self.net.on_step = lambda: None
        self.net.script = []
        side.unlock()
        raced = [edit for edit in edits if edit.made]
        self.tally.races += len(raced)
        self.tally.overwritten += sum(side.held(edit.id, edit.name) != _typed(edit) for edit in raced)

    def _number(self) -> int:
        self.made += 1
        return self.made

    def _when(self) -> tuple[int, float]:
        chance = self.chance
        after_s = chance.choice(
            (0.0, 0.0, chance.uniform(0, 0.05), chance.uniform(0, 2.5), chance.uniform(0, LONGEST_S))
        )
        return chance.randrange(1, LAST_STEP), after_s

    def _script(self) -> list[Trouble]:
        """Trouble for one of the first calls, and perhaps for others."""
        chance = self.chance

        def drawn() -> Trouble:
            fault, wait_s = chance.choice(FAULTS), chance.uniform(0, LONGEST_S)
            if fault == "slow there":
                return Trouble(stalled_s=wait_s)
            return Trouble(late_s=wait_s) if fault == "slow back" else Trouble(fault, wait_s=wait_s)

        calls = [drawn() if chance.random() < 0.25 else Trouble() for _ in range(10)]
        calls[chance.randrange(4)] = drawn()
        return calls

    def _follow(self, edits: Sequence[_Edit]) -> None:
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            for edit in edits:
                if edit.step == steps:
                    self.loop.call_later(edit.after_s, self._edit, edit, current, context=OUTSIDE)

        def current() -> bool:
            return self.net.on_step is step

        self.net.on_step = step

    def _edit(self, edit: _Edit, current: Callable[[], bool]) -> None:
        if current():
            edit.made = True
            self.side.edit(edit.id, edit.name, _typed(edit))

    async def _push(self, runtime: Runtime, pusher: Pusher, ids: Sequence[str], bad: int) -> None:
        """Visits' changes; a value that the CRM refuses has the row number ``bad``."""
        watch = runtime.watches[self.scene.crm, "contact"]
        await watch.work.add([Due(id_) for id_ in ids], lane=Lane.LIVE, run="day-races", forced=True)
        leases = {lease.id: lease for lease in await watch.work.claim(OWNER, 200)}
        script, self.net.script = self.net.script, []
        step, self.net.on_step = self.net.on_step, lambda: None
        found = await self._visited(runtime, ids)
        self.net.script, self.net.on_step = script, step

        async def one(id_: str, number: int) -> None:
            pending = self._errand(runtime, leases[id_], found[id_], is_bad=number == bad)
            try:
                pushed = await pusher.push(pending)
            except ConnectorError as error:
                self.tally.pushed[type(error).__name__] += 1
                return
            self.tally.pushed[pushed.ended] += 1
            if pushed.ended is PushEnd.PUSHED:
                for change in pushed.written:
                    if not self.side.wrote(id_, change.property, change.value):
                        self.tally.breaches.append(f"seed {self.seed}: {change.property} of {id_} was never written")

        await asyncio.gather(*(one(id_, number) for number, id_ in enumerate(ids)))

    async def _visited(self, runtime: Runtime, ids: Sequence[str]) -> Mapping[str, Found]:
        """Returns what visits had read when they decided."""
        watch = runtime.watches[self.scene.crm, "contact"]
        for _ in range(PATIENCE):
            with contextlib.suppress(ConnectorError):
                return await watch.vendor.read(watch.watched, ids)
            await self._calm(runtime)
        return await watch.vendor.read(watch.watched, ids)

    def _errand(self, runtime: Runtime, lease: Lease, found: Found, *, is_bad: bool) -> PendingWrite:
        watch = runtime.watches[self.scene.crm, "contact"]
        rules = {rule.field: rule for rule in watch.policy.rules}
        values = dict(self.chance.sample(sorted(OURS.items()), k=self.chance.randrange(1, 4)))
        if is_bad:
            values["work_email"] = "no address"
        record = found.record
        assert record is not None
        changes = tuple(Change(name, rules[name].property, value, "kaspr", None, "q") for name, value in values.items())
        return PendingWrite(lease, watch.view(record, {}), {}, changes, ())

    async def _deliver(self, runtime: Runtime, numbers: Sequence[int], company: str) -> None:
        """A delivered company and its people, who all have a row already."""
        told = [
            Person(
                id=f"p{number}",
                first_name="Ada",
                last_name=f"Racer{number}",
                title=OURS["job_title"],
                emails=(Email(f"ada.{number}@races.example", Grade.VALID),),
                phones=(Phone(OURS["mobile_phone"], PhoneKind.MOBILE), Phone(OURS["phone"], PhoneKind.FIXED)),
            )
            for number in numbers
        ]
        row = DeliveredCompany(
            Company(id=f"c{numbers[0]}", name="Races", domain=f"r{numbers[0]}.example"), tuple(told), "s"
        )
        text = _ROW.dump_json(row).decode()
        key = f"s/c{numbers[0]}"
        await runtime.ledger.deliveries.store_page(
            "s", [DeliveredRow(key, "d", text)], [self.scene.crm], run="day-races"
        )
        line = runtime.lines[f"{self.scene.crm}.delivery"]
        for lease in await line.work.claim(OWNER, 1):
            await line.story(lease)
        assert company


class _Portal:
    """Holds what people and tests do to rows in HubSpot."""

    names: tuple[str, ...] = ("jobtitle", "phone", "mobilephone")

    def __init__(self, scene_: Scene) -> None:
        self.hub: Any = scene_.vendors[scene_.vendor]

    def made(self, number: int) -> str:
        values = {"firstname": "Ada", "lastname": f"Racer{number}", "openprospect_id": f"p{number}"}
        return str(self.hub.portal.create(self.hub.portal.tables["contacts"], values, PORTAL_PERSON).id)

    def company(self, number: int) -> str:
        values = {"name": "Races", "domain": f"r{number}.example", "openprospect_id": f"c{number}"}
        return str(self.hub.portal.create(self.hub.portal.tables["companies"], values, PORTAL_PERSON).id)

    def edit(self, id_: str, name: str, value: str) -> None:
        table = self.hub.portal.tables["contacts"]
        self.hub.portal.update(table, table.records[int(id_)], {name: value}, PORTAL_PERSON)

    def held(self, id_: str, name: str) -> str:
        return str(self.hub.portal.tables["contacts"].records[int(id_)].values.get(name) or "")

    def wrote(self, id_: str, name: str, value: str) -> bool:
        books = self.hub.books.writes
        return any((one.id, one.property, one.after) == (id_, name, value) and one.by != "person" for one in books)

    def lock(self, chance: random.Random, ids: Sequence[str]) -> None:
        del ids
        self.hub.settings.locked_writes = chance.randrange(1, 4)

    def unlock(self) -> None:
        self.hub.settings.locked_writes = 0

    def expire(self) -> None:
        """A static token has no end."""


class _Org(_Portal):
    """The same in Salesforce."""

    names = ("Title", "Phone", "MobilePhone")

    def made(self, number: int) -> str:
        values = {"FirstName": "Ada", "LastName": f"Racer{number}", "OpenProspect_Id__c": f"p{number}"}
        return str(self.hub.store.create("Contact", values, ORG_PERSON).id)

    def company(self, number: int) -> str:
        values = {"Name": "Races", "Website": f"r{number}.example", "OpenProspect_Id__c": f"c{number}"}
        return str(self.hub.store.create("Account", values, ORG_PERSON).id)

    def edit(self, id_: str, name: str, value: str) -> None:
        locked, self.hub.store.locked = self.hub.store.locked, {}  # a lock of ours to wait for, not theirs
        self.hub.store.update(self.hub.store.live("Contact", id_), {name: value}, ORG_PERSON)
        self.hub.store.locked = locked

    def held(self, id_: str, name: str) -> str:
        return str(self.hub.store.rows["Contact"][id_].values.get(name) or "")

    def lock(self, chance: random.Random, ids: Sequence[str]) -> None:
        self.hub.store.locked |= {id_: chance.randrange(1, 4) for id_ in ids if chance.random() < 0.7}

    def unlock(self) -> None:
        self.hub.store.locked.clear()

    def expire(self) -> None:
        self.hub.tokens.expire()


def _typed(edit: _Edit) -> str:
    return f"typed {edit.id[-5:]}"


def _dropped(_logger: Any, _method: str, _event: Any) -> Any:
    raise structlog.DropEvent


def main() -> int:
    """``--races N``: so many rows edited while we write them; ``--salesforce`` in an org."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--races", type=int, required=True)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--salesforce", action="store_true")
    parser.add_argument("--mutant", default="", help="with this planted bug")
    options = parser.parse_args()
    total, seed = Tally(), options.first
    gc.freeze()
    while total.races < options.races:
        heat = Heat(seed, salesforce=options.salesforce).play()
        total.races += heat.races
        total.overwritten += heat.overwritten
        total.pushed += heat.pushed
        total.breaches += heat.breaches
        seed += 1
    sys.stdout.write("".join(f"  {breach}\n" for breach in total.breaches[:20]))
    told = {"races": total.races, "within_window": total.overwritten, "ended": dict(total.pushed)}
    sys.stdout.write(json.dumps({"failed": total.breaches, "heats": seed - options.first, **told}) + "\n")
    return 1 if total.breaches else 0
