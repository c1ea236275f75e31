"""Compares over days and at every hour, against a provider that is a list of charges."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from config.load import load
from config.settings import Settings
from connectors.models import AccountStatus, Reply
from connectors.ports import Provider
from connectors.replies import VendorClock
from tests.harness.clock import Clock
from tests.integration.ledger.money import grant, question, reply
from tests.unit.config.samples import SMALL, SMALL_SECRETS
from worker.ledger.ledger import Ledger
from worker.ledger.money.books import DAY_MS, Books
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.tickets import Desk
from worker.ledger.rates.clocks import Clocks
from worker.ledger.rates.pauses import Pauses
from worker.ledger.scripts import Scripts
from worker.ledger.work.all_work import AllWork
from worker.upkeep.reconcile import BooksReport, reconcile

LINE = [BudgetLine("forager:all", 1_000_000)]


class Log:
    """A provider's change log and nothing else."""

    name = "forager"

    def __init__(self, clock: Clock) -> None:
        self.time, self.clock = clock, VendorClock(lambda: 0)
        self.rows: list[tuple[int, str, int]] = []
        self.reads = self.rows_read = 0
        self.is_dated = False  # its replies say what its clock shows
        self.meanwhile: Mapping[int, Callable[[], Awaitable[None]]] = {}  # before that read of the log

    def charge(self, credits: int, operation: str = "work_emails", at_ms: int = 0) -> None:
        self.rows.append((at_ms or self.time.now, operation, credits))

    async def billed(self, start_ms: int, end_ms: int) -> int:
        self.reads += 1
        if self.reads in self.meanwhile:
            await self.meanwhile[self.reads]()
        return sum(credits for at, _, credits in self.rows if start_ms <= at <= end_ms)

    def date(self) -> None:
        moment = datetime.fromtimestamp(self.time.now / 1000, UTC)
        self.clock.heard(Reply(200, {"date": format_datetime(moment, usegmt=True)}, b""), 0, 0)

    async def charged(self, operation: str, start_ms: int, end_ms: int) -> int | None:
        if self.is_dated:
            self.date()
        return sum(credits for at, name, credits in self.rows if name == operation and start_ms <= at <= end_ms)

    async def charges(self, start_ms: int, end_ms: int) -> Mapping[tuple[int, str], int]:
        found: dict[tuple[int, str], int] = {}
        for at, operation, credits in self.rows:
            if start_ms <= at <= end_ms:
                self.rows_read += 1
                found[at // DAY_MS, operation] = found.get((at // DAY_MS, operation), 0) + credits
        return found

    async def account_status(self) -> AccountStatus:
        if self.is_dated:
            self.date()
        return AccountStatus("ops", 1_000)


class Account:
    """Both sides, on a clock of the test's."""

    def __init__(self, redis: Redis, clock: Clock, settings: Settings) -> None:
        self.clock, self.settings, self.log = clock, settings, Log(clock)
        self.scripts = Scripts(redis, clock=clock)
        self.ledger = Ledger.over(redis)
        self.ledger.scripts, self.ledger.desk = self.scripts, Desk(self.scripts)
        self.ledger.books, self.ledger.pauses = Books(self.scripts), Pauses(self.scripts)
        self.ledger.all_work, self.ledger.clocks = AllWork(self.scripts), Clocks(self.scripts)
        self.asked = 0

    async def lookup(self, *, answered: bool = True, charged: bool = True, lasts_ms: int = 500) -> None:
        self.asked += 1
        desk = self.ledger.desk
        ticket = await grant(desk, question(f"slug-{self.asked}"), lines=LINE, deadline_ms=100_000)
        assert await desk.sent(ticket)
        self.clock.pass_ms(lasts_ms)
        if charged:
            self.log.charge(5)
        if answered:
            await desk.store(ticket, reply(), credits=5 if charged else 0, hit=charged, keep_ms=DAY_MS)
        else:
            await desk.uncertain(ticket, "lost")

    async def compared(self) -> BooksReport:
        return await reconcile(self.ledger, self.settings, cast("Provider", self.log))


@pytest.fixture
async def account(redis: Redis, clock: Clock, tmp_path: Path) -> Account:
    (tmp_path / "refill.toml").write_text(SMALL, encoding="utf-8")
    made = Account(redis, clock, load(tmp_path / "refill.toml", SMALL_SECRETS))
    await made.ledger.clocks.heard("forager", clock.now)  # both clocks are one, as a reply has told
    return made


async def test_equal_every_day_while_the_comparison_moves_on(account: Account) -> None:
    assert (await account.compared()).drift == 0
    for _ in range(5):
        await account.lookup()
        account.clock.pass_ms(DAY_MS // 2)
        report = await account.compared()
        assert (report.drift, report.ours == report.theirs) == (0, True)
    state = await account.ledger.books.comparison("forager")
    assert state is not None
    assert account.clock.now - state.since_ms < DAY_MS


async def test_a_call_across_midnight_is_no_drift(account: Account) -> None:
    await account.compared()
    account.clock.now = (account.clock.now // DAY_MS + 1) * DAY_MS - 200
    await account.lookup(lasts_ms=400)
    for _ in range(3):
        account.clock.pass_ms(DAY_MS // 3)
        assert (await account.compared()).drift == 0


@pytest.mark.parametrize("before", [1, 2])
async def test_a_call_of_another_worker_between_two_reads_of_the_log_is_no_drift(account: Account, before: int) -> None:
    await account.compared()
    await account.lookup()
    account.clock.pass_ms(DAY_MS)
    account.log.reads, account.log.meanwhile = 0, {before: account.lookup}
    await account.compared()
    for _ in range(3):
        account.clock.pass_ms(DAY_MS // 2)
        assert (await account.compared()).drift == 0


async def test_an_accepted_drift_stays_accepted_over_the_days(account: Account) -> None:
    await account.compared()
    account.log.charge(15, "phone_numbers")
    assert (await account.compared()).paused
    await account.ledger.pauses.lift("forager", "reconcile")
    for _ in range(4):
        account.clock.pass_ms(DAY_MS)
        await account.lookup()
        account.clock.pass_ms(3_600_000)
        report = await account.compared()
        assert (report.drift, report.paused) == (15, False)


async def test_a_doubt_is_settled_by_the_log_of_its_own_operation(account: Account) -> None:
    await account.compared()
    await account.lookup(answered=False, charged=True)
    await account.lookup(answered=False, charged=True)
    account.clock.pass_ms(300_000)
    report = await account.compared()
    assert (report.charged, report.ours, report.theirs, report.uncertain, report.drift) == (2, 10, 10, 0, 0)
    await account.lookup(answered=False, charged=False)
    account.clock.pass_ms(300_000)
    report = await account.compared()
    assert (report.uncharged, report.ours, report.theirs, report.drift) == (1, 10, 10, 0)


@pytest.mark.parametrize("seed", range(30))
async def test_whatever_happens_drift_is_what_others_spent_and_quiet_makes_equal(account: Account, seed: int) -> None:
    chance, others = random.Random(seed), seed % 3 * 10
    account.log.charge(chance.randrange(30))  # before us
    await account.compared()
    if others:
        account.log.charge(others, chance.choice(("work_emails", "website_detail")))
        assert (await account.compared()).paused
        await account.ledger.pauses.lift("forager", "reconcile")
    for _ in range(25):
        step = chance.choice(("hit", "miss", "lost", "unmade", "wait", "compare", "compare"))
        known: dict[str, Any] = {
            "hit": {},
            "miss": {"charged": False},
            "lost": {"answered": False},
            "unmade": {"answered": False, "charged": False},
        }
        if step in known:
            await account.lookup(**known[step], lasts_ms=chance.randrange(1, 70_000))
        elif step == "wait":
            account.clock.pass_ms(chance.choice((1_000, 200_000, DAY_MS // 3, DAY_MS)))
        else:
            report = await account.compared()
            assert (report.drift, report.paused) == (others, False)
    account.clock.pass_ms(600_000)
    report = await account.compared()
    assert (report.ours + others, report.uncertain, report.drift) == (report.theirs, 0, others)
    account.log.charge(7, "website_detail")
    assert (await account.compared()).drift == others + 7


async def test_busy_installation_reads_totals_and_no_rows_and_its_first_day_moves(account: Account) -> None:
    await account.compared()
    charges, call = 1_000_000, account.scripts.call
    first = account.clock.now // DAY_MS
    for day in range(40):  # steadily, in rows of a whole day each, so that only their sum matters here
        account.log.charge(5 * charges // 40, at_ms=(first + day) * DAY_MS + DAY_MS // 2)
        await call("HINCRBY", "refill:books:forager", f"{first + day}|work_emails", 5 * charges // 40)
    await call("HINCRBY", "refill:credits:forager", "spent", 5 * charges)
    account.clock.now = (first + 39) * DAY_MS + DAY_MS * 3 // 4
    flying = await grant(account.ledger.desk, question("in flight"), lines=LINE, deadline_ms=100_000)
    assert await account.ledger.desk.sent(flying)  # a busy one is never quiet
    account.log.reads = account.log.rows_read = 0

    report = await account.compared()
    assert (report.drift, report.paused, report.ours) == (0, False, 5 * charges)
    assert (account.log.rows_read, account.log.reads <= 4) == (0, True)
    state = await account.ledger.books.comparison("forager")
    assert state is not None
    assert state.since_ms == (first + 39) * DAY_MS

    account.log.charge(7, "website_detail")
    assert (await account.compared()).drift == 2  # 5 of the 7 may be those in flight
