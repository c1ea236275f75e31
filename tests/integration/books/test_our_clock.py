"""Sets a clock of ours back, across midnight too: nobody asks again for what was charged."""

from __future__ import annotations

from typing import cast

import pytest

from connectors.ports import Provider
from tests.harness.clock import Clock
from tests.integration.books.test_days import Account, account
from worker.ledger.money.books import DAY_MS
from worker.upkeep.vendor_clocks import hear
from worker.upkeep.verdicts import judge

__all__ = ["account"]
MINUTE_MS = 60_000
BACK = [10 * MINUTE_MS, 60 * MINUTE_MS, 3 * 60 * MINUTE_MS, DAY_MS]


@pytest.fixture
def theirs(account: Account) -> Clock:
    """The provider's own clock, which nobody sets: it stands three minutes after midnight."""
    account.clock.now = (account.clock.now // DAY_MS + 1) * DAY_MS + 3 * MINUTE_MS
    account.log.time, account.log.is_dated = Clock(account.clock.now), True
    return account.log.time


async def heard(account: Account) -> None:
    """A reply of the provider's is dated."""
    account.log.date()
    await hear(account.ledger.clocks, {"forager": account.log.clock})


async def passes(account: Account, theirs: Clock, ms: int) -> None:
    account.clock.pass_ms(ms)
    theirs.pass_ms(ms)


async def doubted(account: Account) -> list[str]:
    return [one.verdict for one in await account.ledger.desk.uncertain_list(10)]


@pytest.mark.parametrize("back_ms", BACK)
@pytest.mark.parametrize("when", ["heard before the verdict", "heard by the log's reply"])
async def test_no_verdict_where_our_clock_was_set_back(
    account: Account, theirs: Clock, back_ms: int, when: str
) -> None:
    await heard(account)
    await account.lookup(answered=False, charged=True)
    await passes(account, theirs, 5 * MINUTE_MS)
    account.clock.pass_ms(-back_ms)
    if when == "heard before the verdict":
        await heard(account)
    (one,) = await account.ledger.desk.uncertain_list(10)
    await account.scripts.call("ZADD", "refill:tickets:verdicts", 1, one.ticket_id)
    await judge(account.ledger, {"forager": cast("Provider", account.log)})
    assert await doubted(account) == ["none"]


@pytest.mark.parametrize("back_ms", [10 * MINUTE_MS, 30 * MINUTE_MS])
async def test_charge_from_before_our_clock_was_set_back_explains_none(
    account: Account, theirs: Clock, back_ms: int
) -> None:
    """By our clock both were at one time; the vendor's log has only the later one there, and the lost one caused it."""
    await heard(account)
    await account.lookup()
    await passes(account, theirs, 1_000)
    account.clock.pass_ms(-back_ms)
    await heard(account)
    await passes(account, theirs, back_ms)
    await account.lookup(answered=False, charged=True)
    await passes(account, theirs, 5 * MINUTE_MS)
    await heard(account)
    (one,) = await account.ledger.desk.uncertain_list(10)
    await account.scripts.call("ZADD", "refill:tickets:verdicts", 1, one.ticket_id)
    await judge(account.ledger, {"forager": cast("Provider", account.log)})
    totals = await account.ledger.budgets.totals("forager")
    assert (totals.spent, totals.uncertain, await doubted(account)) == (5, 5, ["charged"])


@pytest.mark.parametrize("charged", [True, False])
@pytest.mark.parametrize("back_ms", BACK)
async def test_books_are_equal_and_judge_nobody_where_our_clock_was_set_back(
    account: Account, theirs: Clock, back_ms: int, charged: bool
) -> None:
    await heard(account)
    await account.compared()
    await account.lookup()
    await account.lookup(answered=False, charged=charged)
    await passes(account, theirs, 10 * MINUTE_MS)
    account.clock.pass_ms(-back_ms)
    await account.lookup()  # by a clock of ours that nobody has compared yet
    for _ in range(3):
        await heard(account)
        await account.lookup()
        await passes(account, theirs, 5 * MINUTE_MS)
        report = await account.compared()
        assert (report.drift, report.paused, report.charged, report.uncharged) == (0, False, 0, 0)
    for _ in range(5):
        await passes(account, theirs, DAY_MS // 3)
        await heard(account)
        assert ((report := await account.compared()).drift, report.uncharged) == (0, 0)
