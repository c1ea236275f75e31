"""Worlds whose CRM is Salesforce: contacts and leads, people who are both, conversions, merges, sessions that end."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from sandbox.clock import Clock
from sandbox.forager import Forager
from sandbox.kaspr import Kaspr
from sandbox.openprospect import OpenProspect
from sandbox.people import Person
from sandbox.salesforce import Salesforce
from sandbox.salesforce.lifecycle import convert, merge
from sandbox.salesforce.soql import stamp
from sandbox.salesforce.store import PERSON, DuplicateRule, Row, Store
from tests.simulation.playing import WORLDS
from tests.simulation.world import EVENTS_S, Scene, deliveries, options_of, people, portal_scene, strangers

if TYPE_CHECKING:
    from tests.simulation.wire import Sent

_HIDDEN = re.compile(r"Id$|^Id|Date$|Modstamp|ById|OpenProspect|^IsConverted")
_SITE = re.compile(r"^(https?://)?(www\.)?")
_WRITTEN = re.compile(rb'(?:"id":"|/(?:Contact|Lead)/)(00[3Q]\w{15})"')
_SHOWN = re.compile(rb'"Id":"(\w{18})"')


@dataclass(slots=True)
class OrgScene(Scene):
    """A scene in an org. Odd worlds write strictly, every third makes leads of who is delivered."""

    crm: ClassVar[str] = "acme_salesforce"
    vendor: ClassVar[str] = "salesforce"
    watched: ClassVar[tuple[str, ...]] = ("contact", "lead")
    tells_when: ClassVar[bool] = False
    overlap_ms: ClassVar[int] = 600_000
    people: ClassVar[tuple[str, ...]] = ("Contact", "Lead")
    typable: ClassVar[tuple[str, ...]] = ("Title", "MobilePhone", "Phone")
    marked: ClassVar[str] = "OpenProspect_Id__c"
    companies: ClassVar[tuple[str, str]] = ("Account", "Name")
    company: ClassVar[str] = "AccountId"
    passing: ClassVar[re.Pattern[bytes]] = re.compile(b"ENTITY_IS_LOCKED")
    unique: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Account", "Website"),
        ("Account", "OpenProspect_Id__c"),
        ("Contact", "Email"),
        ("Contact", "OpenProspect_Id__c"),
        ("Lead", "Email"),
        ("Lead", "OpenProspect_Id__c"),
    )

    number: int = 0

    @property
    def org(self) -> Salesforce:
        org = self.vendors["salesforce"]
        assert isinstance(org, Salesforce)
        return org

    def configured(self) -> dict[str, Any]:
        held = self.org.credentials()
        watch = {"identity": {"linkedin_url": "LinkedIn_URL__c"}}
        return {
            "kind": "salesforce",
            "base_url": self.org.origin,
            "client_id": held["client_id"],
            "client_secret": held["client_secret"],
            "poll_every": "15s",
            "strict": bool(self.number % 2),
            "deliver_as": "lead" if self.number % 3 == 0 else "contact",
            "watch": {"contact": watch, "lead": watch},
        }

    def kind_of(self, id_: str) -> str:
        return "lead" if id_.startswith("00Q") else "contact"

    def living(self, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """A lead that was converted is there no more."""
        for row in self.org.store.rows[name].values():
            if not row.deleted and not row.values.get("IsConverted"):
                site = _SITE.sub("", str(row.values.get("Website") or ""))
                yield row.id, row.values | {"Website": site}

    def type(self, id_: str, name: str, value: str) -> None:
        row = self.org.store.rows[self.kind_of(id_).title()].get(id_)
        if row is not None and not row.deleted and not row.values.get("IsConverted"):
            self.org.store.update(row, {name: value}, PERSON)
            self.typed[id_, name] = value
            self.changed(id_)

    def is_blank(self, id_: str, name: str) -> bool:
        row = self.org.store.rows[self.kind_of(id_).title()].get(id_)
        return row is not None and not row.deleted and not row.values.get("IsConverted") and not row.values.get(name)

    def reads(self, one: Sent) -> bool:
        whole = one.vendor == "salesforce" and one.route.endswith(("/query", "/query/{locator}"))
        return whole and (not one.query or "WHERE Id IN" in one.query)

    def told_of(self, one: Sent) -> frozenset[str]:
        return frozenset(found.decode() for found in _SHOWN.findall(one.reply))

    def written_by(self, one: Sent) -> frozenset[str]:
        if one.vendor != "salesforce" or not one.route.endswith(("/composite", "/composite/sobjects")):
            return frozenset()
        return frozenset(found.decode() for found in _WRITTEN.findall(one.body))

    def state(self) -> dict[tuple[str, str], dict[str, str]]:
        found = {}
        for name in self.org.store.rows:
            for id_, values in self.living(name):
                shown = {key: str(value) for key, value in values.items() if value and not _HIDDEN.search(key)}
                known = self.names.get((name, id_))
                made = shown["Website"] if name == "Account" else f"{shown.get('FirstName')} {shown.get('LastName')}"
                found[name, known or made] = {"": id_, **(shown if known else {})}
        return found


def scene(number: int) -> Scene:
    """The vendors of a world as they are at the start, and what is going to happen."""
    return portal_scene(number) if number < WORLDS else _Events(number).scene


class _Events:
    """Draws what people do in an org."""

    def __init__(self, number: int) -> None:
        world, options = people(number), options_of(number)
        self._chance, self._clock = random.Random(f"events-{number}"), Clock()
        self._clock.ahead = -3600.0  # what is there at the start is older than what a poll looks back
        org = Salesforce(world, options, self._clock)
        org.origin = "http://127.0.0.1:5"
        org.settings.page_size = 3
        self._store: Store = org.store
        stock = OpenProspect(world, options)
        forager, kaspr = Forager(world, options), Kaspr(world, options)
        vendors = {"salesforce": org, "forager": forager, "kaspr": kaspr, "openprospect": stock}
        self.scene = OrgScene(vendors, [], number=number)
        rows = world.rows["salesforce"]
        contacts, leads = ([row for row in rows if row.object == kind] for kind in ("contact", "lead"))
        both = self._chance.choice(contacts).person
        self._store.create("Lead", {**_name(both), "Company": both.employer.name}, PERSON)
        outside = strangers(world, options, deliveries(stock, {row.person.number for row in rows}))
        self._chance.shuffle(outside)
        ours = outside.pop()  # is converted: nobody else is called so
        goes = self._store.create("Lead", {**_name(ours), "Company": ours.employer.name}, PERSON)
        for name, table in self._store.rows.items():
            self.scene.names |= {(name, id_): id_ for id_ in table}
        org.books.reset()
        self._clock.ahead = 0.0
        self._draw([org.ids_by_row[row.number] for row in contacts], [org.ids_by_row[row.number] for row in leads])
        self._comes("Contact", outside[0])
        self._comes("Lead", outside[1], ago=8)  # committed late: its stamp is older than its coming
        self._converted(goes)
        self._at(10, EVENTS_S, org.tokens.expire)
        self._approved([org.ids_by_row[row.number] for row in rows])
        known = {row.person.number for row in rows}
        staff = [one for one in world.staff[stock.stock._new[0].number] if one.number not in known]  # who comes next
        coming = [one for one in staff if one.former_employer is None]
        self._works_elsewhere(coming[0])
        self._is_a_lead(coming[1])
        self._at(20, EVENTS_S, lambda: stock.act("deliver", {"companies": 1}))
        self.scene.events.sort(key=lambda event: event[0])

    def _at(self, first: float, last: float, event: Callable[[], object]) -> None:
        self.scene.events.append((self._chance.uniform(first, last), event))

    def _draw(self, contacts: list[str], leads: list[str]) -> None:
        """Edits of two rows, and the end of a third, which is deleted or merged into another one."""
        number, edited = f"+49 151 2345 67{self._chance.randrange(10, 99)}", []
        for name, value in (("Title", "Keeper of the title"), ("MobilePhone", number)):
            free = [one for one in (*contacts, *leads) if one not in edited]
            blank = [one for one in free if self._row(one).values[name] is None]  # else nobody would overwrite it
            edited.append(self._chance.choice(blank or free))
            self._at(1, EVENTS_S, partial(self.scene.type, edited[-1], name, value))
        left = [one for one in contacts if one not in edited]
        self._chance.shuffle(left)
        if len(left) > 1:
            self._at(2, EVENTS_S, self._goes(*(left[:1] if self.scene.number % 2 else left[:2])))

    def _goes(self, id_: str, *survivor: str) -> Callable[[], None]:
        def event() -> None:
            row = self._row(id_)
            if survivor:
                merge(self._store, self._row(survivor[0]), [row], PERSON)
            else:
                self._store.delete(row, PERSON)
            for one in (id_, *survivor):
                self.scene.changed(one)

        return event

    def _comes(self, table: str, person: Any, ago: float = 0.0) -> None:
        def event() -> None:
            at = stamp(datetime.fromtimestamp(int(self._clock.wall() - ago), tz=UTC))
            values = {**_name(person), **({"Company": person.employer.name} if table == "Lead" else {})}
            row = self._store.create(table, values, PERSON, at)
            self.scene.names[table, row.id] = f"who came, {person.number}"
            self.scene.changed(row.id)

        self._at(5, EVENTS_S, event)

    def _converted(self, lead: Row) -> None:
        accounts = self._store.rows["Account"].values()
        employer = next(one for one in accounts if one.values["Name"] == lead.values["Company"])

        def event() -> None:
            contact = convert(self._store, lead, PERSON, employer)
            self.scene.names["Contact", contact.id] = f"who was {lead.id}"
            self.scene.changed(lead.id)

        self._at(2, EVENTS_S, event)

    def _approved(self, ids: list[str]) -> None:
        """Two rows are in an approval from the start, and somebody approves, which edits them."""
        approved = self._chance.sample(ids, 2)
        self._store.rules.approvals |= set(approved)

        def event() -> None:
            for id_ in approved:
                self._store.rules.approvals.discard(id_)
                row = self._store.any(self.scene.kind_of(id_).title(), id_)
                if row is not None and not row.deleted:
                    self._store.update(row, {}, PERSON)
                    self.scene.changed(id_)

        self._at(5, EVENTS_S, event)

    def _works_elsewhere(self, person: Person) -> None:
        """Somebody who is delivered later is there before, at a company that a person chose."""
        account = next(iter(self._store.rows["Account"]))
        email = {"Email": person.work_email, "AccountId": account}
        row = self._store.create("Contact", {**_name(person), **email}, PERSON)
        self.scene.names["Contact", row.id] = f"who works elsewhere, {person.number}"
        self.scene.typed[row.id, "AccountId"] = account

    def _is_a_lead(self, person: Person) -> None:
        """Somebody who is delivered later is a lead of whom only the name is known, and a rule finds that."""
        self._store.duplicate_rules = [DuplicateRule("Contact", "FirstName", blocking=False, against="Lead")]
        values = {"FirstName": person.first_name, "LastName": person.last_name, "Company": "[not provided]"}
        row = self._store.create("Lead", values, PERSON)
        self.scene.names["Lead", row.id] = f"who is a lead, {person.number}"
        self.scene.ruled.append(row.id)

    def _row(self, id_: str) -> Row:
        return self._store.live(self.scene.kind_of(id_).title(), id_)


def _name(person: Any) -> dict[str, str]:
    linkedin = {"LinkedIn_URL__c": person.linkedin_url}
    return {"FirstName": person.first_name, "LastName": person.last_name, **linkedin}
