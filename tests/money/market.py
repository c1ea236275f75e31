"""A seeded world with its vendors listening: the rows of a CRM as visits see them, and answers asked once each."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from config.load import load
from config.settings import Settings
from connectors.limits import NoLimiter, SlotFirst
from connectors.models import Answer, Company, Offer, Outcome, Property, Question, Record, Reply
from connectors.ports import Crm, Provider
from sandbox.options import Options
from sandbox.people import CrmRow, Person, World
from sandbox.serve import running
from worker.decide.policy import Policy
from worker.service.policy import policy, watched_of
from worker.service.vendors import open_crm, open_providers
from worker.visits.watch import with_company

CRM = "acme_hubspot"
NEVER_FULL = "budget = { day = 1000000, month = 1000000 }"


@dataclass
class Once(SlotFirst):
    """The right to send one lookup; whoever asks here keeps the answers himself."""

    is_sheltered: ClassVar[bool] = False
    reply: Reply | None = None

    async def sent(self) -> None:
        """Send."""

    async def stored(self, reply: Reply) -> None:
        self.reply = reply

    async def released(self, cause: str) -> None:
        raise AssertionError(f"a vendor of the market refused: {cause}")

    async def uncertain(self, cause: str) -> None:
        raise AssertionError(f"a vendor of the market gave no answer: {cause}")


@dataclass
class Book:
    """Answers by question. Each is asked once, whatever strategy wants it next."""

    providers: Mapping[str, Provider]
    answers: dict[str, Answer] = field(default_factory=dict)

    async def ask(self, question: Question) -> Answer:
        if question.key not in self.answers:
            provider, ticket = self.providers[question.provider], Once()
            reply = await provider.ask(question, ticket)
            self.answers[question.key] = provider.read(question, reply)
        return self.answers[question.key]


def cost(question: Question, answer: Answer) -> int:
    """Credits an answer costs."""
    assert answer.outcome in {Outcome.HIT, Outcome.MISS}
    return question.price if answer.credits is None else answer.credits


@dataclass(frozen=True)
class Row:
    """A record and who it is about."""

    record: Record
    row: CrmRow

    @property
    def person(self) -> Person:
        return self.row.person


@dataclass(frozen=True)
class Market:
    """Rows to fill, and who sells what is missing."""

    settings: Settings
    world: World
    rows: Sequence[Row]
    schema: Mapping[str, Property]
    offers: Sequence[Offer]
    book: Book

    def policy(self) -> Policy:
        """The policy of the contacts, as it is configured."""
        settings = self.settings.crm[CRM]
        watched = settings.watch.contact
        assert watched is not None
        return policy(CRM, settings, "contact", watched, self.settings.providers)


@asynccontextmanager
async def market(options: Options, world: World) -> AsyncIterator[Market]:
    """The vendors of ``world`` on loopback ports, read through the connectors."""
    async with AsyncExitStack() as stack:
        vendors = await stack.enter_async_context(running(options, world))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-money-")))
        settings = load(_written(folder, vendors), {})
        providers = open_providers(settings, lambda _: NoLimiter())
        for provider in providers.values():
            stack.push_async_callback(provider.aclose)
        crm = open_crm(CRM, settings.crm[CRM], NoLimiter(), None)
        stack.push_async_callback(crm.aclose)
        offers = tuple(offer for provider in providers.values() for offer in provider.offers({}))
        schema = await crm.properties("contact")
        found = Market(settings, world, (), schema, offers, Book(providers))
        rows = await _rows(crm, found.policy(), vendors["hubspot"], world)
        yield Market(settings, world, rows, schema, offers, found.book)


async def _rows(crm: Crm, rules: Policy, vendor: Any, world: World) -> list[Row]:
    watched = watched_of(rules)
    records: list[Record] = []
    after, done = "", False
    while not done:
        page = await crm.walk(watched, after)
        records += page.records
        after, done = page.cursor.id, page.done
    companies: dict[str, Company] = {}
    ids = sorted({record.company_id for record in records} - {""})
    for start in range(0, len(ids), crm.batch):
        companies |= await crm.companies(ids[start : start + crm.batch])
    by_id = {
        str(vendor.ids_by_row[row.number]): row for row in world.rows["hubspot"] if row.number in vendor.ids_by_row
    }
    return [
        Row(with_company(one, companies.get(one.company_id, Company())), by_id[one.id])
        for one in records
        if one.id in by_id
    ]


def _written(folder: Path, vendors: Mapping[str, Any]) -> Path:
    path = folder / "refill.toml"
    path.write_text(
        f"""\
data_dir = "data"

[providers.forager]
base_url = "{vendors["forager"].base_url}"
account_id = 42
{NEVER_FULL}

[providers.kaspr]
base_url = "{vendors["kaspr"].base_url}"
{NEVER_FULL}

[crm.{CRM}]
kind = "hubspot"
base_url = "{vendors["hubspot"].base_url}"

[crm.{CRM}.watch.contact]
""",
        encoding="utf-8",
    )
    secrets = {
        "REFILL_PROVIDERS__FORAGER__API_KEY": vendors["forager"].credentials()["api_key"],
        "REFILL_PROVIDERS__KASPR__API_KEY": vendors["kaspr"].credentials()["api_key"],
        "REFILL_CRM__ACME_HUBSPOT__TOKEN": vendors["hubspot"].credentials()["token"],
    }
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()), encoding="utf-8")
    return path
