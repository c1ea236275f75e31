"""Judges a stage by the truth of its world: whose every written value is, and who was delivered and is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from sandbox.people import CrmRow, Person, World
from sandbox.seeding import build_world
from sandbox.truth import clear_gaps, is_anothers, owners, plain
from tests.harness.vendors import Vendors
from worker.ledger.ledger import Ledger

PEOPLE = {"hubspot": ("contacts",), "salesforce": ("Contact", "Lead")}
EXTERNAL = {"hubspot": "openprospect_id", "salesforce": "OpenProspect_Id__c"}
COMPANY = {"hubspot": "associatedcompanyid", "salesforce": "AccountId"}
LEAD = "00Q"  # a lead is at no account
FIELDS = {
    "hubspot": {"work_email": "email", "phone": "phone", "mobile_phone": "mobilephone", "job_title": "jobtitle"},
    "salesforce": {"work_email": "Email", "phone": "Phone", "mobile_phone": "MobilePhone", "job_title": "Title"},
}
# values that say whose they are, or that somebody else's row must not get
TELLING = {
    "hubspot": {*FIELDS["hubspot"].values(), "firstname", "lastname", "hs_linkedin_url", "city", "country"},
    "salesforce": {
        *FIELDS["salesforce"].values(), "FirstName", "LastName", "LinkedIn_URL__c", "MailingCity", "MailingCountry",
        "City", "Country",
    },
}  # fmt: skip


class Judged(Protocol):
    """Stands for the place that is judged: a stage, or the yard of a storm."""

    vendors: Vendors

    @property
    def ledger(self) -> Ledger:
        """Returns what the product says."""


@dataclass(frozen=True, slots=True)
class StrangersValue:
    """A value of ours on somebody else's row. ``owners`` are numbers of people; ``seq`` is the write's in the books."""

    crm: str
    table: str
    id: str
    property: str
    owners: frozenset[int]
    seq: int

    def __str__(self) -> str:
        owners = ",".join(map(str, sorted(self.owners)))
        return f"{self.crm}: {self.property} of {self.table} {self.id} is that of person {owners} (write {self.seq})"


@dataclass
class Truth:
    """The world of a stage's vendors, and what they say happened."""

    stage: Judged
    world: World = field(init=False)
    _rows: dict[str, dict[str, CrmRow]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.world = build_world(self.stage.vendors.options)

    @cached_property
    def _told(self) -> Mapping[str, Mapping[str, Any]]:
        """Everybody who was delivered, by the id they were delivered under."""
        told: Mapping[str, Mapping[str, Any]] = self.stage.vendors["openprospect"].control("world")["prospects"]
        return told

    @cached_property
    def delivered(self) -> Mapping[str, Mapping[str, Any]]:
        """Returns who has to be there; nobody whom no CRM takes for want of a last name."""
        return {id_: one for id_, one in self._told.items() if one["has_last_name"]}

    @property
    def nameless(self) -> list[Mapping[str, Any]]:
        """Returns what was delivered without a last name of anybody."""
        return [one for one in self._told.values() if not one["has_last_name"]]

    @cached_property
    def prospects(self) -> Mapping[str, Person]:
        """The delivered people, by the same ids."""
        return {id_: self.world.by_number[one["person"]] for id_, one in self.delivered.items()}

    def rows_of(self, crm: str) -> dict[str, CrmRow]:
        """Returns the rows that were there from the start, by id. The vendor is asked once, since they stay."""
        if crm not in self._rows:
            ids = self.stage.vendors[crm].control("world")["ids"]
            self._rows[crm] = {str(ids[str(row.number)]): row for row in self.world.rows[crm]}
        return self._rows[crm]

    def people_of(self, crm: str) -> dict[str, Person]:
        """Returns whom each row is about: as the world drew it, or who was delivered when it was made."""
        found = {id_: row.person for id_, row in self.rows_of(crm).items()}
        for kind in PEOPLE[crm]:
            for id_, row in self.stage.vendors.rows(crm, kind).items():
                external = row.get(EXTERNAL[crm], "")
                if id_ not in found and external in self._told:
                    found[id_] = self.world.by_number[self._told[external]["person"]]
        return found

    def strangers_values(self) -> list[StrangersValue]:
        """Every value of ours that is another person's."""
        whose, found = owners(self.world), []
        for crm, kinds in PEOPLE.items():
            people = self.people_of(crm)
            for one in self._our_values(crm, kinds):
                id_, name, value = str(one["id"]), str(one["property"]), str(one["after"])
                person, theirs = people.get(id_), frozenset[int]()
                if person is None:
                    continue
                if name in TELLING[crm] and is_anothers(value, person, whose):
                    theirs = whose[plain(value)]
                elif name == EXTERNAL[crm] and value in self.prospects:
                    theirs = frozenset({self.prospects[value].number}) - {person.number}
                if theirs:
                    found.append(StrangersValue(crm, str(one["object"]), id_, name, theirs, int(one["seq"])))
        return found

    def _our_values(self, crm: str, kinds: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Values that we wrote. A blank is nobody's: Salesforce's is null, whose name is also a placeholder's."""
        for one in self.stage.vendors[crm].control("books?kind=writes")["writes"]:
            is_ours = one["request"] and one["by"] != "person"
            if is_ours and one["object"] in kinds and one["property"] and one["after"] not in {None, ""}:
                yield one

    def recall(self) -> tuple[int, list[str]]:
        """Counts the blanks that anybody careful can fill, and those that did not get a right value."""
        count, missed = 0, []
        for crm, kinds in PEOPLE.items():
            ids = self.stage.vendors[crm].control("world")["ids"]
            rows = {id_: row for kind in kinds for id_, row in self.stage.vendors.rows(crm, kind).items()}
            for (number, name), right in clear_gaps(self.world, crm).items():
                count += 1
                value = str(rows[str(ids[str(number)])].get(FIELDS[crm][name]) or "")
                if plain(value) not in right:
                    missed.append(f"{crm}: row {number} has {value!r} for {name}")
        return count, missed

    async def lost(self) -> list[str]:
        """Delivered people who are nowhere, more than once or not at their company, without a dead letter about it."""
        found = []
        for crm, kinds in PEOPLE.items():
            dead = await self.stage.ledger.work(f"acme_{crm}", "delivery").letters.page(10_000)
            reasons = " ".join(letter.reason for letter in dead)
            found += [f"{crm}: {what}" for external, what in self.missing(crm, kinds) if external not in reasons]
        return found

    def missing(self, crm: str, kinds: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Delivered people, by external id, who are nowhere, more than once or at no company, and which it is."""
        people, ids = self.people_of(crm), self.stage.vendors[crm].control("world")["ids"]
        rows = {id_: row for kind in kinds for id_, row in self.stage.vendors.rows(crm, kind).items()}
        held: dict[int, list[str]] = {}
        for id_ in rows:
            if id_ in people:
                held.setdefault(people[id_].number, []).append(id_)
        seeded = {str(ids[str(row.number)]): row for row in self.world.rows[crm]}
        for external, person in self.prospects.items():
            if person.opted_out:
                continue
            found = held.get(person.number, [])
            ours = [id_ for id_ in found if id_ not in seeded]
            there = [id_ for id_ in found if id_ in seeded and self._leads_to(seeded[id_], external)]
            brought = [id_ for id_ in found if rows[id_].get(EXTERNAL[crm]) or id_ in there]
            if not brought:
                yield external, f"nobody is {person.number}"
            elif len(ours) > 1 or (ours and there):
                yield external, f"{person.number} is there twice: {ours} {there}"
            elif not any(rows[id_].get(COMPANY[crm]) or id_.startswith(LEAD) for id_ in brought):
                yield external, f"{brought} are at no company"

    def _leads_to(self, row: CrmRow, external: str) -> bool:
        """Whether a row bears the delivered person's name or half of it, and an address or profile that was delivered.

        The person's own address needs no name.
        """
        told, person = self.delivered[external], row.person
        names = {(row.first_name, person.first_name), (row.last_name, person.last_name)}
        named = any(own for own, _ in names) and all(own == theirs for own, theirs in names if own)
        by_profile = named and told["linkedin_url"] and plain(row.linkedin_url or "") == person.slug
        return bool(by_profile or (row.email and row.email == told["email"]))
