"""People at the terminal: commands that take back, forget, plan, and carry plans out, beside the workers.

Each runs in a process of its own. It dies as a worker does, and fails where a vendor or Redis does; then its person
runs it again, until it is done. What it may have done is judged by the vendors' books and by the bytes that the store
holds.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from connectors.errors import ConnectorError
from tests.simulation.host import Host
from tests.simulation.loop import PROCESS, Process
from tests.simulation.ports import OUTSIDE, Ports
from tests.simulation.world import EVENTS_S, Scene
from worker.commands.person import somebody
from worker.commands.suppress import ValueReading
from worker.commands.undo_plan import ask, found, look
from worker.decide.handles import Handle
from worker.decide.journal_line import JournalFilter
from worker.decide.mentions import mentions
from worker.ledger.scripts import LedgerUnavailableError
from worker.manual.passes import Pass
from worker.manual.plan_file import PlanWriter
from worker.manual.sync import sync
from worker.reports.plan import PlanAsked, make_plan
from worker.service.lifecycle import working_for
from worker.service.opening import open_crms
from worker.service.runtime import Runtime
from worker.upkeep.forget import Eraser

TRIES = 60
KINDS = ("undo", "forget", "plan")
PATIENCE_S = 10.0


class NotYetError(Exception):
    """The command could not do all of it: its person runs it again."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Somebody whom a command said to have forgotten: since when (epoch seconds), by what, on which rows."""

    at: float
    handles: frozenset[Handle]
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Carried:
    """A plan that was saved: the fields it names of each row, and rows that somebody edited after it was made."""

    fields: Mapping[str, tuple[str, ...]]
    edited: frozenset[str]


@dataclass(slots=True)
class Acts:
    """Holds what people do at the terminal in one run.

    ``open`` are commands that are not done, ``undone`` and ``erased`` what they were about, ``by`` their processes, of
    which those in ``ended`` are over, ``drawn`` the row (kind, id) that each act is about. ``plans`` are what was
    saved, by file, ``carried`` the same by the runs that carry it out, each in one of the ``buyers``: the only commands
    that may buy and write.
    """

    host: Host
    ports: Ports
    scene: Scene
    seed: int
    open: int = 0
    undone: set[str] = field(default_factory=set)
    erased: list[Erased] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    by: dict[Process, Callable[[], None]] = field(default_factory=dict)
    ended: set[Process] = field(default_factory=set)
    plans: dict[Path, Carried] = field(default_factory=dict)
    carried: dict[str, Carried] = field(default_factory=dict)
    buyers: set[Process] = field(default_factory=set)
    drawn: dict[str, tuple[str, str]] = field(default_factory=dict)

    def begin(self, acts: tuple[tuple[str, float], ...]) -> None:
        """Have each command begin at its time (s after the start)."""
        for number, (kind, after) in enumerate(acts):
            chance = random.Random(f"act-{self.seed}-{number}")
            steps = {"undo": self._undo, "forget": self._forget, "plan": self._plan, "planned": self._planned}
            self.open += 1
            act = partial(steps[kind], chance=chance, run=f"undo-{number}")
            self.ports.loop.call_at(self.ports.began + after, self._start, act, 1, context=OUTSIDE)

    def died(self, process: Process) -> None:
        """A command was killed: it is run again, unless it had ended."""
        if process in self.ended:
            return
        self.ports.loop.call_later(self.ports.chance.uniform(1, 30), self.by[process], context=OUTSIDE)

    def left_alone(self) -> set[str]:
        """The rows that end otherwise than in a run without these commands."""
        return self.undone | {id_ for one in self.erased for id_ in one.ids}

    def _start(self, act: Callable[[Runtime], Awaitable[None]], tries: int) -> None:
        process = Process(f"command-{len(self.by) + 1}")
        self.by[process] = partial(self._start, act, tries + 1)
        token = PROCESS.set(process)
        try:
            self.ports.loop.create_task(self._life(process, act, tries))
        finally:
            PROCESS.reset(token)

    async def _life(self, process: Process, act: Callable[[Runtime], Awaitable[None]], tries: int) -> None:
        again = False
        try:
            async with self.host.opened(process.name) as runtime:
                await open_crms(runtime)
                again = bool(runtime.shut)
                if not again:
                    await act(runtime)
        except (LedgerUnavailableError, ConnectorError, NotYetError, TimeoutError):
            again = True
        except Exception as error:  # noqa: BLE001 - no command may end so
            self.troubles.append(f"{process.name} ended with {type(error).__name__}: {error}")
        self.ended.add(process)
        if again and tries < TRIES:
            self.ports.loop.call_later(self.ports.chance.uniform(3, 20), self.by[process], context=OUTSIDE)
            return
        if again:
            self.troubles.append(f"{process.name} was never done")
        self.open -= 1

    async def _undo(self, runtime: Runtime, *, chance: random.Random, run: str) -> None:
        """``refill undo --since``, of a few of the rows."""
        plan = await found(runtime, JournalFilter(crm=self.scene.crm))
        chosen = [one for one in sorted(plan.undo) if chance.random() < 0.5]
        plan.undo = {one: plan.undo[one] for one in chosen}
        await look(runtime, plan)
        self.undone |= {id_ for _, _, id_ in plan.going}
        await ask(runtime, plan, run)

    async def _forget(self, runtime: Runtime, *, chance: random.Random, run: str) -> None:
        """``refill forget --record``, of somebody who has a row from the start."""
        crm, kinds = self.scene.crm, sorted({self.scene.kind_of(id_) for id_ in self.scene.seeded()})
        rows = [(kind, id_) for kind in kinds for id_ in self.scene.seeded() if self.scene.kind_of(id_) == kind]
        kind, id_ = self.drawn.setdefault(run, chance.choice(rows))  # the same command again is about the same person
        who = await somebody(runtime, (), ValueReading("", ()), (crm, kind, id_))
        if who.unknown:
            raise NotYetError
        if not who.handles:
            return
        eraser = Eraser(runtime.ledger, runtime.lookups.suppressions, runtime.spool, None, rest=self.ports.pause)
        self.erased.append(Erased(float("inf"), who.handles, frozenset(one for _, _, one in who.refs)))
        ended = await eraser.forget(who.handles, mentions(who.handles), who.refs, who.questions)
        if who.not_asked or not ended.is_done:
            raise NotYetError(f"left {ended.left} busy {ended.busy} {ended.unwritten}")
        records = frozenset(one for _, _, one in (*who.refs, *ended.found.records))
        self.erased.append(Erased(self.ports.loop.time(), who.handles, records))

    async def _plan(self, runtime: Runtime, *, chance: random.Random, run: str) -> None:
        """``refill plan``."""
        del chance, run
        await make_plan(runtime, PlanAsked(), lambda _: None, lambda _: None, lambda _: None)

    async def _planned(self, runtime: Runtime, *, chance: random.Random, run: str) -> None:
        """``refill plan --save``; its person shortens the file, others edit rows; then ``refill sync --plan``."""
        path = runtime.settings.data_dir / f"{run}.jsonl"
        if path not in self.plans:
            self.plans[path] = await self._saved(runtime, path, chance)
            raise NotYetError
        process = PROCESS.get()
        assert process is not None
        self.buyers.add(process)

        @asynccontextmanager
        async def working(runtime: Runtime, run: str) -> AsyncIterator[None]:
            self.carried[run] = self.plans[path]
            async with working_for(runtime, run):
                yield

        await sync(runtime, Pass(plan=path, patience_s=PATIENCE_S), worker=working)

    async def _saved(self, runtime: Runtime, path: Path, chance: random.Random) -> Carried:
        with PlanWriter(path) as file:
            await make_plan(runtime, PlanAsked(), file.add, lambda _: None, lambda _: None)
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        kept = [json.loads(line) for line in lines if chance.random() < 0.7]
        for one in kept:
            if chance.random() < 0.5:
                one["fields"] = one["fields"][:1]
        path.write_text("\n".join([head, *map(json.dumps, kept)]) + "\n", encoding="utf-8")
        fields = {one["id"]: tuple(one["fields"]) for one in kept}
        return Carried(fields, self._edited(runtime, kept, chance))

    def _edited(self, runtime: Runtime, kept: Sequence[Mapping[str, Any]], chance: random.Random) -> frozenset[str]:
        """Somebody fills a blank of some rows, for which the plan had foreseen something."""
        edited = set[str]()
        for one in chance.sample(kept, min(2, len(kept))):
            policy = runtime.watches[one["crm"], one["object"]].policy
            rules = [rule for name in one["fields"] if (rule := policy.rule(name))]
            names = [rule.property for rule in rules if rule.property in self.scene.typable]
            if names and self.scene.is_blank(one["id"], names[0]):
                self.scene.type(one["id"], names[0], "Typed later")
                edited.add(one["id"])
        return frozenset(edited)


def drawn_acts(seed: int) -> tuple[tuple[str, float], ...]:
    """Returns which commands a seed's people run, and when: of three seeds in five."""
    chance = random.Random(f"acts-{seed}")
    if seed % 5 == 2:
        return (("planned", chance.uniform(5, EVENTS_S + 60)),)
    if seed % 5 not in {1, 3}:
        return ()
    return tuple((chance.choice(KINDS), chance.uniform(5, EVENTS_S + 60)) for _ in range(chance.choice((1, 2, 3))))
