"""Brings OpenProspect's deliveries into both imitated CRMs by the product's own parts, over a real Redis."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from redis.asyncio import Redis

from config.settings import Settings
from connectors.models import Company, Email, Grade, Person
from connectors.openprospect.read import DeliveredCompany
from sandbox.hubspot.table import PERSON as HUBSPOT_PERSON
from sandbox.options import Options
from sandbox.people import World
from sandbox.salesforce.store import PERSON as SALESFORCE_PERSON
from sandbox.seeding import build_world
from sandbox.serve import running
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.work.work import DeadLetter
from worker.reports.explain import explain
from worker.service.opening import open_crm
from worker.service.runtime import Runtime, open_runtime

OPTIONS = Options(vendors=("hubspot", "salesforce"), records=4, companies=4)
CRMS = ("hubspot", "salesforce")
FIELDS = {
    "hubspot": {
        "first": "firstname", "last": "lastname", "email": "email", "phone": "phone", "mobile": "mobilephone",
        "title": "jobtitle", "linkedin": "hs_linkedin_url", "external": "openprospect_id", "name": "name",
        "domain": "domain", "country": "country",
    },
    "salesforce": {
        "first": "FirstName", "last": "LastName", "email": "Email", "phone": "Phone", "mobile": "MobilePhone",
        "title": "Title", "linkedin": "LinkedIn_URL__c", "external": "OpenProspect_Id__c", "name": "Name",
        "domain": "Website", "account": "AccountId", "country": "BillingCountry",
    },
}  # fmt: skip
TABLES = {
    "hubspot": {"contact": "contacts", "company": "companies"},
    "salesforce": {"contact": "Contact", "lead": "Lead", "company": "Account"},
}
SOON_MS = 540_000  # shorter than the first wait of a delivery that a CRM keeps back
ACME = Company(id="c1", name="Acme", domain="acme.com", website="https://www.acme.com")
_ROW: TypeAdapter[DeliveredCompany] = TypeAdapter(DeliveredCompany)


@cache
def world() -> World:
    """Draws who exists: no test changes that."""
    return build_world(OPTIONS)


def ada(**changes: Any) -> Person:
    """Ada Lovelace of Acme, as she is delivered."""
    known: dict[str, Any] = {
        "id": "p1",
        "slug": "ada-lovelace",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "full_name": "Ada Lovelace",
        "title": "Analyst",
        "emails": (Email("ada@acme.com", Grade.VALID),),
    }
    return Person(**{**known, **changes})


@dataclass
class Desk:
    """``vendors`` are in this process. ``crm`` names the one a test is about, whose rows go by our words."""

    vendors: Mapping[str, Any]
    runtime: Runtime
    crm: str
    delivered: int = 0
    _made: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"acme_{self.crm}"

    async def deliver(self, *people: Person, company: Company = ACME, source: str = "search") -> None:
        """Store one row and bring it into the crm, as often as it takes."""
        row = DeliveredCompany(company, people, source)
        text = _ROW.dump_json(row).decode()
        self.delivered += 1
        stored = [DeliveredRow(f"{source}/{company.id}", f"digest-{self.delivered}", text)]
        await self.runtime.ledger.deliveries.store_page(source, stored, [self.name], run="day-x", watermark="1")
        await self.visit()

    async def visit(self) -> None:
        """Visit deliveries until none is due, now or soon."""
        line, ledger = self.runtime.lines[f"{self.name}.delivery"], self.runtime.ledger
        for _ in range(20):
            await self.runtime.visits.fill(line)
            soon = await self._due_by(await ledger.scripts.now() + SOON_MS)
            if not soon and not (await line.work.counts()).leased:
                return
            await self._wake(soon)
        raise AssertionError("never settled")

    async def _wake(self, ids: Sequence[bytes]) -> None:
        await self.runtime.ledger.all_work.wake([(self.name, "delivery", id_.decode()) for id_ in ids])

    async def _due_by(self, at_ms: int) -> list[bytes]:
        found: list[bytes] = []
        for lane in ("live", "backfill", "alone"):
            name = f"refill:work:{self.name}:delivery:due:{lane}"
            found += await self.runtime.ledger.scripts.call("ZRANGEBYSCORE", name, "-inf", at_ms)
        return found

    async def days_later(self) -> None:
        """Visit what waits, however long it would have."""
        await self._wake(await self._due_by(2**53))
        await self.visit()

    async def seconds_pass(self, seconds: float = 3) -> None:
        """Let the vendor's clock go on: its stamps may show whole seconds."""
        self.vendors[self.crm].clock.advance(seconds)
        await self.runtime.crms[self.name].account_status()  # our idea of its clock goes by its answers

    async def look_at_rows(self) -> None:
        """Look whether rows that deliveries wait for have changed, and visit those that come back."""
        await self.runtime.awaiting[self.name].look("day-x")
        await self.visit()

    async def waiting(self) -> list[str]:
        """Why deliveries wait, each in the words of its last visit."""
        ids = await self._due_by(2**53)
        names = [f"refill:work:{self.name}:delivery:record:{id_.decode()}" for id_ in ids]
        notes = [await self.runtime.ledger.scripts.call("HGET", name, "note") for name in names]
        return [(note or b"").decode() for note in notes]

    async def dead(self) -> list[DeadLetter]:
        return await self.runtime.ledger.work(self.name, "delivery").letters.page()

    async def told(self, kind: str, id: str) -> Sequence[Mapping[str, Any]]:
        """Returns what explain says happened to a row."""
        return (await explain(self.runtime.ledger, self.name, kind, id)).changes

    async def journal(self) -> list[dict[str, Any]]:
        """Every line of the journal, oldest first."""
        return [json.loads(one.entry) for one in await self.runtime.ledger.journal.since()]

    async def tally(self) -> dict[str, int]:
        figures = await self.runtime.ledger.figures.of_run("day-x")
        return {name: count for one in figures.values() for name, count in one.tally.items()}

    # ---- rows ----------------------------------------------------------------------------------------------------

    def add(self, kind: str = "contact", **values: str) -> str:
        """A person makes a row; one without a last name holds what a form puts there."""
        if kind != "company":
            values = {"last": "[not provided]"} | values
        properties = {FIELDS[self.crm][name]: value for name, value in values.items()}
        vendor, table = self.vendors[self.crm], TABLES[self.crm][kind]
        if self.crm == "hubspot":
            made = vendor.portal.create(vendor.portal.tables[table], properties, HUBSPOT_PERSON)
            for index in vendor.portal.indexes.values():
                index.settle()
            return str(made.id)
        if kind == "lead":
            properties = {"Company": "[not provided]"} | properties
        return str(vendor.store.create(table, properties, SALESFORCE_PERSON).id)

    def edit(self, kind: str, id: str, **values: str) -> None:
        """A person edits a row."""
        properties = {FIELDS[self.crm][name]: value for name, value in values.items()}
        vendor, table = self.vendors[self.crm], TABLES[self.crm][kind]
        if self.crm == "hubspot":
            rows = vendor.portal.tables[table]
            vendor.portal.update(rows, rows.live(id), properties, HUBSPOT_PERSON)
        else:
            vendor.store.update(vendor.store.live(table, id), properties, SALESFORCE_PERSON)

    def rows(self, kind: str = "contact") -> dict[str, dict[str, str]]:
        """Living rows that nobody seeded, by id and our words; ``account`` is the company they are at."""
        vendor, table = self.vendors[self.crm], TABLES[self.crm][kind]
        if self.crm == "hubspot":
            living = [(one.id, one.values) for one in vendor.portal.tables[table].records.values() if not one.archived]
        else:
            living = [(row.id, row.values) for row in vendor.store.rows[table].values() if not row.deleted]
        names = {property: name for name, property in FIELDS[self.crm].items()}
        shown = {}
        for id_, values in living:
            if str(id_) in self._made:
                continue
            row = {names[name]: str(value) for name, value in values.items() if name in names and value}
            if self.crm == "hubspot" and kind == "contact" and (company := self._company(str(id_))):
                row["account"] = company
            shown[str(id_)] = row
        return shown

    def row(self, id: str, kind: str = "contact") -> dict[str, str]:
        return self.rows(kind)[id]

    def held(self, id: str, kind: str = "contact") -> dict[str, Any]:
        """A row's values by the vendor's names."""
        vendor, table = self.vendors[self.crm], TABLES[self.crm][kind]
        if self.crm == "hubspot":
            return dict(vendor.portal.tables[table].live(id).values)
        return dict(vendor.store.live(table, id).values)

    def _company(self, id: str) -> str:
        linked = self.vendors["hubspot"].portal.links.of(("contacts", id), "companies")
        return str(next(iter(linked), ""))

    def link(self, contact: str, company: str) -> None:
        """A person says where somebody works."""
        vendor = self.vendors[self.crm]
        if self.crm == "hubspot":
            vendor.portal.link(("contacts", contact), ("companies", company), None, HUBSPOT_PERSON)
        else:
            vendor.store.update(vendor.store.live("Contact", contact), {"AccountId": company}, SALESFORCE_PERSON)

    def seeded(self) -> None:
        """Rows there are now are not shown."""
        self._made = [id_ for kind in TABLES[self.crm] for id_ in self.rows(kind)]


Open = Callable[..., AbstractAsyncContextManager[Desk]]


def _settings(vendors: Mapping[str, Any], folder: Path, changes: Mapping[str, Mapping[str, Any]]) -> Settings:
    hubspot, salesforce = vendors["hubspot"].credentials(), vendors["salesforce"].credentials()
    crms: dict[str, dict[str, Any]] = {
        "acme_hubspot": {
            "kind": "hubspot",
            "base_url": vendors["hubspot"].base_url,
            "token": hubspot["token"],
            "index_lag": timedelta(0),
        },
        "acme_salesforce": {
            "kind": "salesforce",
            "base_url": vendors["salesforce"].base_url,
            "client_id": salesforce["client_id"],
            "client_secret": salesforce["client_secret"],
            "watch": {"contact": {"identity": {"linkedin_url": "LinkedIn_URL__c"}}},
        },
    }
    for name, more in changes.items():
        crms[f"acme_{name}"] |= more
    prospect = {"base_url": "http://127.0.0.1:9", "api_key": "x", "deliver_to": list(crms)}
    return Settings.model_validate(
        {"data_dir": str(folder), "secret_key": "k", "providers": {"openprospect": prospect}, "crm": crms}
    )


@asynccontextmanager
async def _opened(
    redis: Redis, crm: str, changes: Mapping[str, Any], before: Callable[[Any], object] = lambda _vendor: None
) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-")))
        vendors = await stack.enter_async_context(running(OPTIONS, world()))
        before(vendors[crm])
        runtime = await stack.enter_async_context(
            open_runtime(_settings(vendors, folder, {crm: changes}), redis, owner="w1")
        )
        await open_crm(runtime, f"acme_{crm}")
        found = Desk(vendors, runtime, crm)
        found.seeded()
        yield found


@pytest.fixture
def open_desk(redis: Redis) -> Open:
    """``async with open_desk("salesforce", deliver_as="lead") as desk``: a crm that is configured otherwise.

    ``before`` is given the vendor when the crm is not open yet.
    """

    def open_(
        crm: str, before: Callable[[Any], object] = lambda _vendor: None, **changes: Any
    ) -> AbstractAsyncContextManager[Desk]:
        return _opened(redis, crm, changes, before)

    return open_


@pytest.fixture(params=CRMS)
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def desk(redis: Redis, crm: str) -> AsyncIterator[Desk]:
    """Each of both CRMs, as it is configured when nobody says otherwise."""
    async with _opened(redis, crm, {}) as found:
        yield found


@pytest.fixture
async def org(redis: Redis) -> AsyncIterator[Desk]:
    """Salesforce, as it is configured when nobody says otherwise."""
    async with _opened(redis, "salesforce", {}) as found:
        yield found


@pytest.fixture
async def hub(redis: Redis) -> AsyncIterator[Desk]:
    """HubSpot, as it is configured when nobody says otherwise."""
    async with _opened(redis, "hubspot", {}) as found:
        yield found


@pytest.fixture
async def watching(redis: Redis, crm: str) -> AsyncIterator[Desk]:
    """Each of both CRMs, with contacts that are visited too."""
    async with _opened(redis, crm, {"watch": {"contact": {}}}) as found:
        yield found


def named(letters: Sequence[DeadLetter], *ids: str) -> bool:
    """Whether one dead letter names all of these."""
    return any(all(id_ in letter.reason for id_ in ids) for letter in letters)
