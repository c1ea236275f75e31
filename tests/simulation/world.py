"""Draws who exists, what happens at the vendors while we work, and how the product is configured for it.

All of it follows from the world's number, never from the seed of a run: equal worlds must end alike.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from config.settings import Settings
from sandbox.clock import Clock
from sandbox.forager import Forager
from sandbox.forager.vendor import ACCOUNT
from sandbox.forager.vendor import KEY as FORAGER_KEY
from sandbox.hubspot import HubSpot
from sandbox.hubspot.table import PERSON
from sandbox.kaspr import Kaspr
from sandbox.kaspr.vendor import KEY as KASPR_KEY
from sandbox.openprospect import OpenProspect
from sandbox.openprospect.vendor import KEY as OPENPROSPECT_KEY
from sandbox.options import Options
from sandbox.people import Person, World
from sandbox.seeding import build_world
from sandbox.vendor import Vendor
from tests.simulation.portals import Colleagues

if TYPE_CHECKING:
    from tests.simulation.wire import Sent

EVENTS_S = 45.0  # everything that happens at the vendors happens by then
CREDITS = 100_000


@cache
def people(number: int) -> World:
    """The people of one world."""
    return build_world(options_of(number))


def options_of(number: int) -> Options:
    return Options(
        vendors=(),
        seed=number + 1,
        records=5 + number % 3,
        companies=3,
        searches=1,
        delivered_companies=1,
        delivered_prospects=2,
        credits=CREDITS,
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """Holds what a run's configuration differs in."""

    on_uncertain: str = "never"
    concurrency: int = 20
    forager_day: int = 100_000
    kaspr_day: int = 100_000
    forager_rate: str = "10/second"


def settings(terms: Terms, data_dir: Path, scene: Scene) -> Settings:
    """The configuration of a run."""
    return Settings.model_validate(
        {
            "data_dir": str(data_dir),
            "secret_key": "simulated",
            "worker": {"concurrency": terms.concurrency},
            "providers": {
                "forager": {
                    "base_url": "http://127.0.0.1:1",
                    "api_key": FORAGER_KEY,
                    "account_id": ACCOUNT,
                    "rate": terms.forager_rate,
                    "budget": {"day": terms.forager_day},
                    "on_uncertain": terms.on_uncertain,
                },
                "kaspr": {
                    "base_url": "http://127.0.0.1:2",
                    "api_key": KASPR_KEY,
                    "rate": ["60/minute", "500/hour"],
                    "budget": {"day": terms.kaspr_day},
                },
                "openprospect": {
                    "base_url": "http://127.0.0.1:3/api/v1",
                    "api_key": OPENPROSPECT_KEY,
                    "rate": "6000/hour",
                    "poll_every": "40s",
                    "deliver_to": [scene.crm],
                },
            },
            "crm": {scene.crm: scene.configured()},
        }
    )


@dataclass(slots=True)
class Scene:
    """The vendors of one run, and what people did there.

    ``typed`` are values by (id, property), ``names`` what rows are called in every run of the world, by (object, id).
    ``changed`` is told of each contact that a person touched. ``ruled`` are rows that a duplicate rule of the CRM finds
    for somebody delivered, whose they are.
    """

    crm: ClassVar[str] = "acme_hubspot"
    vendor: ClassVar[str] = "hubspot"
    watched: ClassVar[tuple[str, ...]] = ("contact",)
    tells_when: ClassVar[bool] = True  # whether its webhooks have a stamp
    overlap_ms: ClassVar[int] = 300_000  # a window begins so long before the end of the last one
    people: ClassVar[tuple[str, ...]] = ("contacts",)
    typable: ClassVar[tuple[str, ...]] = ("jobtitle", "mobilephone", "phone")
    marked: ClassVar[str] = "openprospect_id"
    companies: ClassVar[tuple[str, str]] = ("companies", "name")
    company: ClassVar[str] = "associatedcompanyid"
    passing: ClassVar[re.Pattern[bytes]] = re.compile(b"MISSING_CONDITIONAL|READ_ONLY_VALUE|RATE_LIMITS")  # refusals
    unique: ClassVar[tuple[tuple[str, str], ...]] = (
        ("companies", "domain"),
        ("contacts", "email"),
        ("contacts", "openprospect_id"),
    )

    vendors: Mapping[str, Vendor]
    events: list[tuple[float, Callable[[], object]]]
    typed: dict[tuple[str, str], str] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    changed: Callable[[str], None] = lambda _id: None
    ruled: list[str] = field(default_factory=list)

    @property
    def portal(self) -> Any:
        hub = self.vendors["hubspot"]
        assert isinstance(hub, HubSpot)
        return hub.portal

    def configured(self) -> dict[str, Any]:
        """The CRM's part of the configuration."""
        token: str = self.vendors["hubspot"].credentials()["token"]
        base = {"kind": "hubspot", "base_url": "http://127.0.0.1:4", "poll_every": "15s"}
        return {**base, "token": token, "watch": {"contact": {}}}

    def seeded(self) -> list[str]:
        """People's rows that are there from the start."""
        return sorted(id_ for (name, id_), known in self.names.items() if name in self.people and known == id_)

    def kind_of(self, id_: str) -> str:
        """Returns which watched object a row is of."""
        del id_
        return "contact"

    def living(self, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(id, values) of a table's rows that are there."""
        for record in self.portal.tables[name].records.values():
            if record.archived is None:
                yield record.id, record.values

    def type(self, id_: str, name: str, value: str) -> None:
        """A person fills in a value."""
        contacts = self.portal.tables["contacts"]
        record = contacts.live(id_)
        if record is not None:
            self.portal.update(contacts, record, {name: value}, PERSON)
            self.typed[id_, name] = value
            self.changed(id_)

    def is_blank(self, id_: str, name: str) -> bool:
        """Whether a row is there and lacks a value."""
        record = self.portal.tables["contacts"].live(id_)
        return record is not None and not record.values.get(name)

    def is_at(self, id_: str, values: Mapping[str, Any], companies: Collection[str]) -> bool:
        """Whether somebody is at one of these companies, or where a person said; a lead is at none."""
        at = values.get(self.company)
        return self.kind_of(id_) == "lead" or at in companies or at == self.typed.get((id_, self.company), "")

    def reads(self, one: Sent) -> bool:
        """Whether it is one of the reads that writes are decided on."""
        return one.vendor == "hubspot" and bool(_READ.search(one.path))

    def told_of(self, one: Sent) -> frozenset[str]:
        """The rows that such a read is about."""
        return frozenset(re.findall(r'"id":"(\d+)"', one.body.decode()))

    def written_by(self, one: Sent) -> frozenset[str]:
        """The rows of people that a request updates."""
        return self.told_of(one) if one.vendor == "hubspot" and _UPDATE.search(one.path) else frozenset()

    def state(self) -> dict[tuple[str, str], dict[str, str]]:
        """All living rows by (object, what names them), ``""`` being the id. Rows of ours are only there or not.

        Who is delivered twice, by a search and by an order, is made from whichever is first.
        """
        found = {}
        for name, table in self.portal.tables.items():
            for record in table.records.values():
                if record.archived is None:
                    shown = {key: value for key, value in record.values.items() if value and _shown(key)}
                    known = self.names.get((name, record.id))
                    made = shown.get("domain") or f"{shown.get('firstname')} {shown.get('lastname')}"
                    found[name, known or made] = {"": record.id, **(shown if known else {})}
        return found


_READ = re.compile("/contacts/.*batch/read$")
_UPDATE = re.compile("/contacts/.*batch/update$")
_HIDDEN = (
    "modified",
    "openprospect_id",
    "createdate",
    "object_id",
    "associatedcompanyid",
    "lastreferenced",
    "updated_by",
)


def _shown(name: str) -> bool:
    return not any(word in name for word in _HIDDEN)


def deliveries(stock: OpenProspect, listed: set[int]) -> list[Any]:
    """Returns what is delivered: nobody who has a row, whose match depends on what it has by then.

    The companies of searches come by every order, too, under an id of its own.
    """

    def unlisted() -> list[Any]:
        delivered = [
            *stock.stock.all_found(),
            *(found for order in stock.orders.orders.values() for found in order.results),
        ]
        for found in delivered:
            found.prospects = [one for one in found.prospects if one.person.number not in listed]
        return delivered

    unlisted()
    for order in stock.orders.orders.values():
        again = [
            stock.stock.make_found(order.id, None, one.company, 2, one.delivered_at) for one in stock.stock.all_found()
        ]
        order.results += [one for one in again if one.id not in {known.id for known in order.results}]
    return unlisted()


def strangers(world: World, options: Options, delivered: list[Any]) -> list[Person]:
    """Returns who has no row and is not delivered, of companies that the CRM has."""
    known = {one.person.number for found in delivered for one in found.prospects}
    staff = [one for one in world.people[options.records :] if one.employer.in_crm and one.number not in known]
    return list({one.slug: one for one in staff}.values())


def portal_scene(number: int) -> Scene:
    """The vendors as they are at the start, and what is going to happen, with HubSpot as the CRM."""
    world, options, chance = people(number), options_of(number), random.Random(f"events-{number}")
    clock = Clock()
    clock.ahead = -3600.0  # what is there at the start is older than what a poll looks back
    hub = HubSpot(world, options, clock)
    clock.ahead = 0.0
    stock = OpenProspect(world, options)
    vendors = {
        "hubspot": hub,
        "forager": Forager(world, options),
        "kaspr": Kaspr(world, options),
        "openprospect": stock,
    }
    told = Scene(vendors, [])
    for name, table in hub.portal.tables.items():
        told.names |= {(name, record.id): record.id for record in table.records.values()}
    contacts = hub.portal.tables["contacts"]
    seeded = [hub.ids_by_row[row.number] for row in world.rows["hubspot"]]
    delivered = deliveries(stock, {row.person.number for row in world.rows["hubspot"]})
    outside = strangers(world, options, delivered)
    chance.shuffle(outside)

    def at(first: float, last: float, event: Callable[[], None]) -> None:
        told.events.append((chance.uniform(first, last), event))

    def comes(person: Any, ago: float = 0.0) -> Callable[[], None]:
        values = {"firstname": person.first_name, "lastname": person.last_name, "hs_linkedin_url": person.linkedin_url}

        def event() -> None:
            stamp = int((hub.clock.wall() - ago) * 1000)
            record = hub.portal.create(contacts, {**values, "company": person.employer.name}, PERSON, stamp)
            told.names["contacts", record.id] = f"who came, {person.number}"
            told.changed(record.id)

        return event

    def goes(id_: str) -> Callable[[], None]:
        def event() -> None:
            record = contacts.live(id_)
            if record is not None:
                hub.portal.archive(contacts, record, PERSON)
                told.changed(id_)

        return event

    def delivers() -> None:
        stock.act("deliver", {"companies": 1})

    at(5, EVENTS_S, comes(outside[0]))
    at(5, EVENTS_S, comes(outside[1], ago=8.0))  # committed late: its stamp is older than its coming
    together = chance.uniform(10, EVENTS_S)
    at(together, together, comes(outside[2]))
    at(together, together, comes(outside[3]))
    edited = chance.sample(seeded, 2)
    for id_, name in zip(edited, ("jobtitle", "mobilephone"), strict=True):
        value = "Keeper of the typed title" if name == "jobtitle" else f"+49 151 2345 67{chance.randrange(10, 99)}"
        at(1, EVENTS_S / 2, partial(told.type, id_, name, value))
    if number % 2:
        at(2, EVENTS_S, goes(chance.choice([one for one in seeded if one not in edited])))
    at(20, EVENTS_S, delivers)
    known = {row.person.number for row in world.rows["hubspot"]}
    staff = [one for one in world.staff[stock.stock._new[0].number] if one.number not in known]  # who comes next
    coming = [one for one in staff if one.former_employer is None]
    Colleagues(told, hub, number, EVENTS_S).draw(coming, number)
    told.events.sort(key=lambda event: event[0])
    return told
