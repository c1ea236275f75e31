"""A delivered row meets a CRM that holds its people already; the CRM's own words on each write tell the outcome."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter

from connectors.errors import ConflictError, UnavailableError
from connectors.limits import Ticket
from connectors.models import (
    Company,
    Email,
    Fate,
    Found,
    Grade,
    Person,
    Phone,
    PhoneKind,
    Property,
    Record,
    Write,
    WriteResult,
    Written,
)
from connectors.openprospect.read import DeliveredCompany
from connectors.ports import Reader, Watched
from tests.harness.clock import Clock
from worker.ledger.intake.deliveries import DeliveredRow, Deliveries
from worker.ledger.journal.erasures import Erasures
from worker.ledger.journal.journal import Journal
from worker.ledger.ledger import Ledger
from worker.ledger.money.handle_lists import BadList, Suppressions
from worker.ledger.rates.pauses import Pauses
from worker.ledger.scripts import LedgerUnavailableError, Scripts
from worker.ledger.work.all_work import AllWork
from worker.ledger.work.work import Work
from worker.upkeep.erase import LATE_MS, erase_elsewhere
from worker.visits.deliver import Deliverer
from worker.visits.delivery_target import Target
from worker.visits.runner import attended

CRM, OWNER, KEY = "acme", "worker-1", "search/c1"
NAMES = {
    "work_email": "email",
    "phone": "phone",
    "mobile_phone": "mobile",
    "first_name": "first",
    "last_name": "last",
    "name": "name",
}
PROPERTIES = {"contact": NAMES, "company": {"name": "name", "domain": "domain"}}
SCHEMA = {one: Property(one, "text", writable=True) for one in (*NAMES.values(), "domain", "openprospect_id")}
ADA = Person(
    id="p1",
    first_name="Ada",
    last_name="Lovelace",
    emails=(Email("ada@acme.com", Grade.VALID),),
    phones=(Phone("+4915123456789", PhoneKind.MOBILE),),
)


class Limiter:
    async def slot(self, bucket: str, patience_s: float = 5.0) -> None: ...


@dataclass
class Vendor:
    """Rows by id. ``words`` are said in turn of each write of contacts, then everything is done."""

    name: str = CRM
    batch: int = 100
    search_batch: int = 4
    index_lag_ms: int = 0
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    opted_out: bool = False
    do_not_call: bool = False
    words: list[Callable[[Write], WriteResult]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    ends: list[Exception] = field(default_factory=list)  # in turn, of calls that linked
    at: dict[str, str] = field(default_factory=dict)
    mine: dict[str, frozenset[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    creates: int = 0
    reads: int = 0

    async def read(self, watched: Watched, ids: Sequence[str]) -> Mapping[str, Found]:
        self.reads += 1
        person = watched.object == "contact"
        out, quiet = person and self.opted_out, person and self.do_not_call
        rows = {
            one: Record(watched.object, one, dict(self.rows[one]), 1, 2, company_id=self.at.get(one, ""))
            for one in ids
            if one not in self.gone
        }
        found = {one: Found(Fate.FOUND, replace(row, opted_out=out, do_not_call=quiet)) for one, row in rows.items()}
        return found | {one: Found(Fate.GONE) for one in ids if one in self.gone}

    async def find(
        self, object: str, property: str, values: Sequence[str], _also: Sequence[str] = (), _read: Reader = str.casefold
    ) -> Mapping[str, tuple[Record, ...]]:
        kind = {"contact": "p", "company": "c"}[object]
        return {
            value: tuple(
                Record(object, id_, dict(row))
                for id_, row in self.rows.items()
                if id_[0] == kind and id_ not in self.gone and row.get(property) == value
            )
            for value in values
        }

    async def staff(
        self, _object: str, _people: Sequence[tuple[str, str]], _also: Sequence[str] = ()
    ) -> tuple[Record, ...]:
        return ()

    async def companies(self, ids: Sequence[str]) -> Mapping[str, Company]:
        return {one: Company(name=self.rows[one]["name"], domain=self.rows[one]["domain"]) for one in ids}

    async def write(self, object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        words = {}
        for one in writes:
            say = self.words.pop(0) if object == "contact" and self.words else None
            word = words[one.id] = say(one) if say else WriteResult(Written.DONE)
            if word.outcome is Written.DONE:
                self.rows[one.id] |= one.values
                self.mine[one.id] = self.mine.get(one.id, frozenset()) | one.values.keys()
        return words

    async def create(self, object: str, values: Mapping[str, str], ticket: Ticket, _company_id: str = "") -> str:
        self.creates += 1
        await ticket.sent()
        await ticket.released("conflict")
        raise ConflictError(CRM, f"{object}.create", 409)

    async def ours(self, _object: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, frozenset[str]]:
        return {id: self.mine.get(id, frozenset()) & frozenset(properties) for id in ids}

    async def link(self, _object: str, pairs: Sequence[tuple[str, str]], _made: Collection[str] = ()) -> frozenset[str]:
        self.links += pairs
        self.at |= dict(pairs)
        if self.ends:
            raise self.ends.pop(0)
        return frozenset(one for one, _ in pairs)


async def rested(_seconds: float) -> None:
    """No wait."""


@dataclass
class Desk:
    vendor: Vendor
    scripts: Scripts
    clock: Clock

    @property
    def work(self) -> Work:
        return Work(self.scripts, CRM, "delivery")

    async def deliver(self) -> None:
        """One visit of the row."""
        vendor: Any = self.vendor
        limiter: Any = Limiter()
        target = Target(
            crm=CRM,
            vendor=vendor,
            person="contact",
            people=("contact",),
            external_id="openprospect_id",
            properties=PROPERTIES,
            readable=PROPERTIES,
            schema=dict.fromkeys(PROPERTIES, SCHEMA),
            accept={},
            default_region="",
            work=self.work,
            fill={},
            suppressed=Suppressions(self.scripts, "secret").among,
            hashes=Suppressions(self.scripts, "secret").hashes,
            are_bad=BadList(self.scripts).among,
        )
        ledger = Ledger.over(self.scripts.redis)
        deliverer = Deliverer(target, {}, ledger, limiter, OWNER, self.clock, rest=rested)
        (lease,) = await self.work.claim(OWNER, 1)
        await attended(deliverer.deliver, self.work, Pauses(self.scripts), self.clock, chance=lambda: 1.0)(lease)
        await deliverer.aclose()

    async def later(self, ms: int = 900_000) -> None:
        self.clock.pass_ms(ms)
        await self.deliver()

    async def reaped(self) -> None:
        """The visit after a lease that nobody ended, or after a failure."""
        self.clock.pass_ms(900_000)
        await AllWork(self.scripts).reap()
        await self.deliver()

    async def told(self) -> list[tuple[str, str]]:
        entries = [json.loads(one.entry) for one in await Journal(self.scripts).entries(CRM, "delivery", KEY)]
        return [(one["property"], one["state"]) for one in entries if one["kind"] == "change" and one["id"] == "p9"]


async def bring(scripts: Scripts, person: Person, digest: str = "d1") -> None:
    row = DeliveredCompany(Company(id="c1", name="Acme", domain="acme.com"), (person,), "search")
    text = TypeAdapter(DeliveredCompany).dump_json(row).decode()
    await Deliveries(scripts).store_page("search", [DeliveredRow(KEY, digest, text)], [CRM], run="day-x", watermark="1")


@pytest.fixture
async def desk(scripts: Scripts, clock: Clock) -> Desk:
    await bring(scripts, ADA)
    rows = {
        "c9": {"name": "Acme", "domain": "acme.com"},
        "p9": {"email": "ada@acme.com", "first": "Ada", "last": "Lovelace"},
    }
    return Desk(Vendor(rows=rows), scripts, clock)


async def test_an_address_that_takes_no_mail_leads_to_the_row_that_holds_it(desk: Desk) -> None:
    await bring(
        desk.scripts,
        dataclasses.replace(ADA, emails=(Email("ada@acme.com", Grade.INVALID),), slug="ada-lovelace"),
        "d2",
    )
    desk.vendor.rows["p9"]["profile"] = "https://www.linkedin.com/in/another-ada"
    await desk.deliver()
    assert desk.vendor.creates == 0
    assert desk.vendor.rows["p9"]["mobile"] == "+4915123456789"


async def test_who_has_no_last_name_is_counted_and_named_in_the_journal_once(desk: Desk) -> None:
    await bring(desk.scripts, dataclasses.replace(ADA, last_name="", emails=(), phones=()), "d2")
    await desk.deliver()
    counts = await desk.work.counts()
    assert (desk.vendor.creates, counts.dead, counts.settled) == (0, 0, 1)
    entries = [json.loads(one.entry) for one in await Journal(desk.scripts).entries(CRM, "delivery", KEY)]
    assert [one["external_id"] for one in entries if one.get("signal") == "incomplete"] == ["p1"]


@pytest.mark.parametrize("outcome", [Written.LOCKED, Written.UNKNOWN, Written.CHANGED])
async def test_what_the_crm_did_not_take_for_sure_is_written_later(desk: Desk, outcome: Written) -> None:
    desk.vendor.words = [lambda _: WriteResult(outcome)] * 3
    await desk.deliver()
    assert "mobile" not in desk.vendor.rows["p9"]
    assert (await desk.work.counts()).due == 1
    await desk.later()
    assert desk.vendor.rows["p9"]["mobile"] == "+4915123456789"
    assert (await desk.work.counts()).due == 0
    assert desk.vendor.links == [("p9", "c9")]


async def test_one_refused_value_does_not_keep_the_others_of_its_row_back(desk: Desk) -> None:
    desk.vendor.words = [lambda _: WriteResult(Written.INVALID, ("openprospect_id",), "TAKEN")]
    await desk.deliver()
    assert desk.vendor.rows["p9"] == {
        "email": "ada@acme.com",
        "first": "Ada",
        "last": "Lovelace",
        "mobile": "+4915123456789",
    }


async def test_who_opted_out_is_neither_written_nor_linked(desk: Desk) -> None:
    desk.vendor.opted_out = True
    await desk.deliver()
    assert desk.vendor.rows["p9"] == {"email": "ada@acme.com", "first": "Ada", "last": "Lovelace"}
    assert desk.vendor.links == []


async def test_who_is_not_to_be_called_gets_no_number(desk: Desk) -> None:
    desk.vendor.do_not_call = True
    await desk.deliver()
    assert "mobile" not in desk.vendor.rows["p9"]
    assert desk.vendor.links == [("p9", "c9")]


async def test_a_conflict_with_a_row_nobody_sees_counts_as_a_failure_of_the_row(desk: Desk) -> None:
    del desk.vendor.rows["p9"]
    await desk.deliver()
    await desk.later()
    attempts = await desk.scripts.call("HGET", desk.scripts.keys("record", CRM, "delivery", KEY), "attempts")
    assert (attempts, desk.vendor.creates) == (b"2", 2)


async def test_a_change_is_in_the_journal_once_however_often_its_row_is_visited(desk: Desk) -> None:
    desk.vendor.words = [
        lambda _: WriteResult(Written.INVALID, ("openprospect_id",)),
        *[lambda _: WriteResult(Written.LOCKED)] * 3,
        lambda _: WriteResult(Written.INVALID, ("openprospect_id",)),
    ]
    await desk.deliver()
    before = desk.vendor.reads
    await desk.later()
    told = await desk.told()
    assert [one for one in told if one[1] == "confirmed"] == [("mobile", "confirmed")]
    assert ("email", "seen") in told  # a person's, though it is the delivered one
    # both rows' open changes, both rows, and one again without its refused value: not a call for each value
    assert desk.vendor.reads - before <= 5


@pytest.mark.parametrize(
    "end", [UnavailableError(CRM, "link", 503), LedgerUnavailableError("killed before it settled")]
)
async def test_link_that_no_answer_or_no_settlement_followed_is_told_by_the_next_visit(
    desk: Desk, end: Exception
) -> None:
    desk.vendor.ends = [end]
    await desk.deliver()
    await desk.reaped()
    entries = [json.loads(one.entry) for one in await Journal(desk.scripts).entries(CRM, "contact", "p9")]
    assert [(one["company_id"], one["external_id"]) for one in entries if one["kind"] == "linked"] == [("c9", "p1")]
    assert desk.vendor.links == [("p9", "c9")]


async def test_row_that_is_deleted_while_it_is_filled_is_not_taken_for_delivered(desk: Desk) -> None:
    def deleted(write: Write) -> WriteResult:
        desk.vendor.gone.add(write.id)
        return WriteResult(Written.GONE, code="ENTITY_IS_DELETED")

    desk.vendor.words = [deleted]
    await desk.deliver()
    counts = await desk.work.counts()
    assert (counts.due, counts.settled) == (1, 0)


async def test_what_a_delivery_told_of_a_person_is_erased_with_the_person(desk: Desk) -> None:
    await desk.deliver()
    journal, erasures = Journal(desk.scripts), Erasures(desk.scripts)
    before = await journal.entries(CRM, "delivery", KEY)
    assert any("+4915123456789" in one.entry for one in before)
    told = await desk.told()
    of_company = [one for one in before if '"id":"c9"' in one.entry]
    assert of_company

    await erasures.done((CRM, "contact", "p9"))
    assert await erase_elsewhere(erasures, journal, None, desk.clock.now) == 0
    desk.clock.pass_ms(LATE_MS + 1)
    assert await erase_elsewhere(erasures, journal, None, desk.clock.now) == 1

    after = await journal.entries(CRM, "delivery", KEY)
    assert len(after) == len(before)
    assert not any("+4915123456789" in one.entry or '"p1"' in one.entry for one in after)
    assert await desk.told() == told
    assert [one for one in after if '"id":"c9"' in one.entry] == of_company
    assert await erase_elsewhere(erasures, journal, None, desk.clock.now) == 0


async def test_what_was_about_to_be_written_on_a_row_that_is_gone_is_told_without_values(desk: Desk) -> None:
    desk.vendor.words = [lambda _: WriteResult(Written.UNKNOWN)] * 3
    await desk.deliver()
    desk.vendor.rows["p8"] = {"email": "ada@acme.com", "first": "Ada", "last": "Lovelace", "mobile": "+4930000000"}
    desk.vendor.gone = {"p9"}
    await desk.later()
    assert ("mobile", "gone") in await desk.told()
    entries = [one.entry for one in await Journal(desk.scripts).entries(CRM, "delivery", KEY) if '"p9"' in one.entry]
    assert "+4915123456789" not in "".join(entries)
