"""Judges everything that was delivered, by the books of both CRMs and the truth of their world."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.people import Person
from sandbox.truth import plain, values_of
from tests.chaos.plan import Storm
from tests.chaos.yard import OBJECTS, Yard
from tests.e2e.right_person import COMPANY, EXTERNAL, PEOPLE, StrangersValue, Truth
from worker.visits.journal_entries import scrubbed, subject_of

COMPANIES = {"hubspot": ("companies", "name"), "salesforce": ("Account", "Name")}
Row = tuple[str, str, str]
State = Mapping[Row, Mapping[str, str]]


@dataclass(slots=True)
class Brought:
    """Sentences about what is not as it should be; none is right. ``companies`` and ``people`` were delivered."""

    companies: int = 0
    people: int = 0
    doubled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unlinked: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    namesakes: int = 0
    """Values of a colleague of the same name, whom name and employer cannot tell apart."""

    @property
    def faults(self) -> list[str]:
        """The first few of each kind."""
        return [one for kind in (self.doubled, self.missing, self.unlinked, self.strangers) for one in kind[:5]]


class Desk:
    """The deliveries of a yard, held against its world."""

    def __init__(self, yard: Yard, storm: Storm) -> None:
        self._yard = yard
        self.truth = Truth(yard)
        self._there = yard.vendors.state().keys()

    async def brought(self, erased: Collection[int] = ()) -> Brought:
        """Returns what is there of everything delivered until now; nobody makes people who were ``erased``."""
        told = self._delivered()
        found = Brought(len({one["company"] for one in told}), len(self.truth.prospects))
        for one in self.truth.strangers_values():
            if any(self._is_namesake(one.crm, one.id, owner) for owner in one.owners):  # many have one title
                found.namesakes += 1
            else:
                found.strangers.append(f"{one}; journal: {await self._journal(one)}")
        for crm in COMPANIES:
            reasons = " ".join([letter.reason for letter in await self._dead(crm)])
            self._count_companies(found, crm, told, reasons)
            for external, what in self.truth.missing(crm, PEOPLE[crm]):
                if external not in reasons and self.truth.prospects[external].number not in erased:
                    kind = found.doubled if "twice" in what else found.unlinked if "company" in what else found.missing
                    kind.append(f"{crm}: prospect {external}: {what}")
            found.unlinked += [f"{crm}: {what}" for what in self._at_another(crm, told)]
        return found

    async def _journal(self, value: StrangersValue) -> list[str]:
        """Returns what the journal tells of the row, without what it says of a person: which way the value came."""
        record = (f"acme_{value.crm}", OBJECTS[value.crm, value.table], value.id)
        entries = await self._yard.ledger.journal.since(limit=100_000)
        return [
            f"{one.at_ms} {one.run} {scrubbed(one.entry)}"
            for one in entries
            if record in {(one.crm, one.object, one.id), (one.crm, *subject_of(json.loads(one.entry)))}
        ]

    async def _dead(self, crm: str) -> Iterable[Any]:
        return await self._yard.ledger.work(f"acme_{crm}", "delivery").letters.page(10_000)

    def _delivered(self) -> list[dict[str, Any]]:
        world = self._yard.vendors["openprospect"].control("world")
        return [one for group in world["deliveries"].values() for one in group]

    def _is_namesake(self, crm: str, id: str, owner: int) -> bool:
        person, other = self.truth.people_of(crm)[id], self.truth.world.by_number[owner]
        return (person.first_name, person.last_name, person.employer) == (
            other.first_name,
            other.last_name,
            other.employer,
        )

    def _name(self, company: int) -> str:
        return self.truth.world.companies[company - 1].name

    def _count_companies(self, found: Brought, crm: str, told: Iterable[Mapping[str, Any]], reasons: str) -> None:
        table, name = COMPANIES[crm]
        rows = self._yard.vendors.rows(crm, table).values()
        names = Counter(company.name for company in self.truth.world.companies)
        held = Counter(row.get(name, "") for row in rows)
        for one in told:
            called = self._name(one["company"])
            if held[called] > names[called]:
                found.doubled.append(f"{crm}: company {one['id']} is there {held[called]} times")
            if not held[called] and one["id"] not in reasons:
                found.missing.append(f"{crm}: company {one['id']} is not there")

    def _at_another(self, crm: str, told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """People whom we made and who are at another company than they were delivered with."""
        companies = {person["id"]: self._name(one["company"]) for one in told for person in one["prospects"]}
        table, name = COMPANIES[crm]
        called = {id_: row.get(name, "") for id_, row in self._yard.vendors.rows(crm, table).items()}
        for kind in PEOPLE[crm]:
            for id_, row in self._yard.vendors.rows(crm, kind).items():
                external, at = row.get(EXTERNAL[crm], ""), row.get(COMPANY[crm], "")
                made = (crm, kind, id_) not in self._there and at and external in companies
                if made and called.get(at) != companies[external]:
                    yield f"{id_} is at another company than prospect {external} was delivered with"

    def is_late_row(self, row: Row, ones: Collection[Row]) -> bool:
        """Whether a row is about somebody who got a row of their own in one of two runs, or is that row.

        What leads to their older row was found by a visit: after the delivery in one run, before it in the other.
        """
        crm, _, id_ = row
        person = self.truth.people_of(crm).get(id_)
        about = id_ if row in ones else f"made for person {person.number}" if person else ""
        return any((crm, kind, about) in ones for kind in PEOPLE[crm]) and self._has_older_row(crm, about)

    def is_their_own(self, row: Row, pairs: Iterable[tuple[str, str]]) -> bool:
        """Whether somebody who was delivered has another value of their own in each of these pairs.

        Two deliveries, or one and a visit, tell different numbers of one person, and the first one fills the gap.
        """
        person = self._delivered_on(row)
        own = values_of(person) if person else frozenset()
        return bool(person) and all(plain(one) in own and plain(other) in own for one, other in pairs)

    def is_of_nameless(self, row: Row, pairs: Iterable[tuple[str, str]]) -> bool:
        """Whether all that differs is what somebody was delivered with without a last name, there in one run only.

        No CRM takes a person without one. Such a delivery fills the row that another one has made before it came.
        """
        person = self._delivered_on(row)
        told = [one for one in self.truth.nameless if person and one["person"] == person.number]
        known = {plain(str(one[name])) for one in told for name in ("email", "linkedin_url") if one[name]}
        differing = list(pairs)
        return bool(differing) and all(not (one and other) and plain(one or other) in known for one, other in differing)

    def _delivered_on(self, row: Row) -> Person | None:
        """Tells whom a row is about, as ``named`` calls it, where they were delivered: to a row there was, or made."""
        person = self._person_of(row)
        return person if person in self.truth.prospects.values() else None

    def _person_of(self, row: Row) -> Person | None:
        number = re.match(r"made for person (\d+)", row[2])
        return self.truth.world.by_number[int(number[1])] if number else self.truth.people_of(row[0]).get(row[2])

    def is_about(self, row: Row, numbers: Collection[int]) -> bool:
        """Tells whether a row, as ``named`` calls it, is about one of these people."""
        person = self._person_of(row)
        return person is not None and person.number in numbers

    def _has_older_row(self, crm: str, about: str) -> bool:
        return about.startswith("made for person ") and any(
            row.person.number == int(about.split()[3]) for row in self.truth.world.rows[crm]
        )

    def named(self, state: State) -> tuple[dict[Row, dict[str, str]], dict[Row, Row]]:
        """``state`` with rows we made named for whom they are about, and the rows by these names.

        Ids of two runs differ, and so does which of several deliveries of one company gave its id.
        """
        people = {crm: self.truth.people_of(crm) for crm in PEOPLE}
        rows: dict[Row, Row] = {}
        for row in sorted(state):
            crm, table, id_ = row
            person = people[crm].get(id_) if table in PEOPLE[crm] else None
            about = f"person {person.number}" if person else state[row].get("name") or state[row].get("Name") or id_
            made = row not in self._there
            key = (crm, table, f"made for {about}" if made else id_)
            rows[key if key not in rows else (crm, table, f"{key[2]} as {id_}")] = row
        names = {(row[0], row[2]): key[2] for key, row in rows.items() if row[1] in {"companies", "Account"}}
        found = {}
        for key, row in rows.items():
            values = {name: value for name, value in state[row].items() if name != EXTERNAL[row[0]]}
            if at := values.get(COMPANY[row[0]]):
                values[COMPANY[row[0]]] = names.get((row[0], at), at)
            found[key] = values
        return found, rows
