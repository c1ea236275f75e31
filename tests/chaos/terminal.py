"""Plays the people who order at a terminal beside the workers: they plan, take back and forget.

Each order is a process of ``refill`` that is killed once after a drawn time, and begun again until it is done: while
the storm lasts, and ``TRIES`` times at the most once it is over. It goes by the same spoiled wires as the worker of its
slot.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from redis.exceptions import RedisError

from sandbox.people import Person
from sandbox.truth import plain
from tests.chaos.yard import FOR_REDIS, OBJECTS, Yard
from tests.e2e.right_person import Truth
from tests.harness.workers import Process
from tests.integration.erased import apart, places
from worker.ledger.scripts import LedgerUnavailableError

KINDS = ("plan", "undo", "forget")
DONE = frozenset({0, 3, 4})  # what is left after a pass or an undo, the workers do
LOOK_S, AGAIN_S, WRITTEN_S, LONGEST_S, TRIES = 0.1, 1.0, 30.0, 120.0, 40
Row = tuple[str, str, str]


@dataclass(slots=True)
class Terminal:
    """The orders of a storm. ``undone`` and ``forgotten`` are rows; ``troubles`` should not be."""

    yard: Yard
    truth: Truth
    undone: set[Row] = field(default_factory=set)
    forgotten: set[Row] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    is_calm: bool = False
    troubles: list[str] = field(default_factory=list)
    _open: list[asyncio.Task[None]] = field(default_factory=list)
    _begun: int = 0

    def order(self, kind: str, slot: int, die_after_s: float, chance: random.Random) -> None:
        """Begin an order; it goes on beside whatever comes next."""
        self._begun += 1
        folder, name = self.yard.slots[slot].folder, f"order-{self._begun}"
        self._open.append(asyncio.create_task(self._ordered(kind, folder, name, die_after_s, chance)))

    async def _ordered(self, kind: str, folder: Path, name: str, die_after_s: float, chance: random.Random) -> None:
        file = folder / f"{name}.jsonl"
        lines = [["plan", "--limit", "40", "--save", str(file)], ["sync", "--plan", str(file), "--patience", "1"]]
        if kind != "plan":
            row = await self._chosen(kind, chance)
            if row is None:
                return
            record = ["--record", f"acme_{row[0]}", OBJECTS[row[:2]], row[2]]
            lines = [[kind, *record, "--yes", *(["--patience", "1"] if kind == "undo" else [])]]
        await self._carried_out(kind, lines, folder / name, die_after_s)

    async def _chosen(self, kind: str, chance: random.Random) -> Row | None:
        """A row with a change of ours, of somebody who is never delivered; None where nothing is written in time."""
        for _ in range(round(WRITTEN_S / AGAIN_S)):
            if rows := await self._changed():
                row = chance.choice(rows)
                if kind == "undo":
                    self.undone.add(row)
                else:
                    self.forgotten.add(row)
                return row
            await asyncio.sleep(AGAIN_S)
        return None

    @property
    def erased(self) -> set[int]:
        """Returns the numbers of the people whose row was forgotten."""
        return {self._seeded(crm)[id].number for crm, _, id in self.forgotten}

    def unwanted(self) -> set[int]:
        """Returns them, and whoever's address or profile stands by mistake on a row of theirs.

        Nobody makes these either: a person is forgotten with every row that bears an address of theirs, in both CRMs.
        """
        rows = [row for crm in ("hubspot", "salesforce") for row in self.truth.rows_of(crm).values()]
        rows = [row for row in rows if row.person.number in self.erased]
        borne = {plain(text) for row in rows for text in (row.email, row.linkedin_url) if text}
        people = self.truth.world.people
        return self.erased | {one.number for one in people if borne & {one.slug, plain(one.work_email)}}

    def _seeded(self, crm: str) -> dict[str, Person]:
        """Returns whom each row is about that was there from the start; what is delivered is still to come."""
        return {id: row.person for id, row in self.truth.rows_of(crm).items()}

    async def _changed(self) -> list[Row]:
        """The rows that nobody has ordered anything about yet."""
        delivered = {one["person"] for one in self.yard.vendors["openprospect"].control("world")["prospects"].values()}
        people = {
            (crm, id_): person.number
            for crm in ("hubspot", "salesforce")
            for id_, person in self._seeded(crm).items()
            if person.number not in delivered | self.erased
        }
        taken = {people.get((crm, id_)) for crm, _, id_ in self.undone}
        tables = {(f"acme_{crm}", kind): (crm, table) for (crm, table), kind in OBJECTS.items()}
        try:
            entries = await self.yard.ledger.journal.since(limit=10_000)
        except (LedgerUnavailableError, RedisError):
            return []
        ours = {("kind", "change"), ("state", "confirmed")}
        told = [
            one
            for one in entries
            if all(json.loads(one.entry).get(name) == value for name, value in ours) and (one.crm, one.object) in tables
        ]
        rows = {(*tables[one.crm, one.object], one.id) for one in told}
        return sorted(row for row in rows - self.undone if people.get((row[0], row[2])) not in {None, *taken})

    async def _carried_out(self, kind: str, lines: Sequence[Sequence[str]], name: Path, die_after_s: float) -> None:
        deadly = die_after_s
        for words in lines:
            calm = 0
            for tried in count():
                log = name.with_name(f"{name.name}-{words[0]}-{tried}.log")
                process = Process.start(name.with_name("refill.toml"), *words, log=log)
                code = await _ended(process, deadly or LONGEST_S)
                if code is None:
                    process.kill()
                    self.killed += 1
                deadly = 0.0
                said = log.read_text(encoding="utf-8")
                is_redis = any(words in said for words in FOR_REDIS)
                if "Traceback" in said or (code == 2 and not is_redis):
                    self.troubles.append(f"{' '.join(words)} ended with {code}: {said[-2_000:]}")
                    return
                if code in DONE:
                    break
                calm += self.is_calm
                if calm > TRIES:
                    self.troubles.append(f"{' '.join(words)} was never done: {said[-500:]}")
                    return
                await asyncio.sleep(AGAIN_S)
        self.done[kind] += 1

    @property
    def is_done(self) -> bool:
        """Whether every order has come to its end."""
        return all(one.done() for one in self._open)

    def failed(self) -> None:
        """Raise what an order was ended by."""
        for one in self._open:
            if one.done():
                one.result()

    def stop(self) -> None:
        """Nobody waits for orders any more."""
        for one in self._open:
            one.cancel()

    def rows(self) -> set[Row]:
        """The rows that may end otherwise than without these orders."""
        people = {crm: self._seeded(crm) for crm in ("hubspot", "salesforce")}
        of_erased = {
            (crm, table, id_)
            for crm, table in OBJECTS
            for id_, person in people[crm].items()
            if person.number in self.erased and id_ in self.yard.vendors.rows(crm, table)
        }
        return self.undone | of_erased

    async def left(self) -> list[str]:
        """Returns what the store still holds of people who were forgotten."""
        people = self.truth.world.by_number
        telling: Mapping[str, int] = {
            text: number for number in self.erased for text in (people[number].work_email, people[number].slug) if text
        }
        others = {
            text
            for number, one in people.items()
            if number not in self.erased
            for text in (one.work_email, one.personal_email, one.slug)
        }
        await self.yard.redis.config_set("rdbcompression", "no")
        return [
            f"something of person {telling[text]} is kept in {where}: forgotten by {self.forgotten}, "
            f"asked by {await self._askers(where)}"
            for where, held in (await places(self.yard.redis)).items()
            for text in apart(telling, held, others)
        ]

    async def _askers(self, where: str) -> list[Row]:
        """Returns the rows that asked what an answer answers."""
        rows = [(*place, id_) for place in OBJECTS for id_ in self.yard.vendors.rows(*place)]
        return [row for row in rows if where.rpartition(" ")[2] in {one.key for one in await self.yard.asked(row)}]


async def _ended(process: Process, within_s: float) -> int | None:
    """The exit code, or None where it has not ended in time."""
    deadline = asyncio.get_running_loop().time() + within_s
    while (code := process.process.poll()) is None:
        if asyncio.get_running_loop().time() > deadline:
            return None
        await asyncio.sleep(LOOK_S)
    return code
