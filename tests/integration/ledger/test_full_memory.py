"""While Redis' memory is full nothing is let in, not even behind a write that frees; what was begun is ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.money import grant, reserve, send
from tests.integration.ledger.work_steps import OWNER, READ, RUN, add, lease, places
from worker.ledger.intake.intake import Announced, AnnouncedPost, Intake
from worker.ledger.money.creations import Creations
from worker.ledger.money.tickets import Desk
from worker.ledger.rates.pauses import Pauses
from worker.ledger.scripts import LedgerUnavailableError, Scripts
from worker.ledger.work.work import AllWork, Due, Lane, Lease, Work

Step = Callable[[], Awaitable[object]]
PERSONS = "run-of-a-person"
LETTING_IN = (
    "work_add", "work_claim", "work_replay", "work_own_all", "intake_announce", "intake_ask", "creation_claim",
    "ticket_reserve",
)  # fmt: skip


@asynccontextmanager
async def full(redis: Redis) -> AsyncIterator[None]:
    await redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        await redis.config_set("maxmemory", 0)


async def waiting(work: Work, id: str) -> None:
    """A record whose coming back begins with writes that free."""
    await work.wait(await lease(work, id), ["forager"], None, "rate")


async def admitted(work: Work, desk: Desk, scripts: Scripts) -> dict[str, Step]:
    """Every step that lets something in, each on a ledger where its first write frees, as far as it can."""
    intake, creations = Intake(scripts), Creations(scripts)
    for id_ in ("w1", "w2", "w3"):
        await waiting(work, id_)
    await add(work, "backfilled", lane=Lane.BACKFILL)
    runs = {work.crm: RUN}
    rows = [Announced("w1"), Announced("backfilled"), Announced("new")]
    old = await creations.claim(work.crm, "company", "old", ("domain:a.com",), OWNER, 1)
    assert old
    return {
        "work_add": lambda: work.add([Due("w2"), Due("new")], lane=Lane.LIVE, run=RUN),
        "work_claim": lambda: work.claim(OWNER, 10),
        "work_replay": lambda: work.replay("w3", RUN),
        "work_own_all": lambda: work.of_run.own_all(PERSONS),
        "intake_announce": lambda: intake.announce([AnnouncedPost({(work.crm, work.object): rows})], runs),
        "intake_ask": lambda: intake.request(
            "r" * 32, key="", digest="d", work=(work.crm, work.object), ids=["w1", "n"]
        ),
        "creation_claim": lambda: creations.claim(work.crm, "company", "new", ("domain:a.com",), OWNER, 1),
        "ticket_reserve": lambda: reserve(desk),
    }


@pytest.mark.parametrize("step", LETTING_IN)
async def test_step_that_lets_in_is_refused_as_a_whole(
    step: str, work: Work, desk: Desk, scripts: Scripts, redis: Redis, clock: Clock
) -> None:
    steps = await admitted(work, desk, scripts)
    clock.pass_ms(60_000)
    before = await redis.execute_command("DEBUG", "DIGEST")  # type: ignore[no-untyped-call]
    async with full(redis):
        with pytest.raises(LedgerUnavailableError):
            await steps[step]()
    assert await redis.execute_command("DEBUG", "DIGEST") == before  # type: ignore[no-untyped-call]
    assert await steps[step]() != before  # and goes through when there is room


VISIT_ENDS: dict[str, Callable[[Work, Lease], Awaitable[Any]]] = {
    "settle": lambda work, held: work.settle(held, READ),
    "defer": lambda work, held: work.defer(held, 1, "busy"),
    "wait": lambda work, held: work.wait(held, ["forager"], None, "rate"),
    "again": lambda work, held: work.again(held, "error", 1_000),
    "bury": lambda work, held: work.bury(held, "poison"),
    "gone": lambda work, held: work.gone(held),
    "move": lambda work, held: work.move(held, "other", work.object),
}


@pytest.mark.parametrize("end", VISIT_ENDS)
async def test_visit_that_runs_comes_to_its_end(end: str, all_work: AllWork, work: Work, redis: Redis) -> None:
    held = await lease(work)
    async with full(redis):
        assert await all_work.extend(OWNER, [held.token]) == ()
        await VISIT_ENDS[end](work, held)
    assert "leased:live" not in await places(redis, work, held.id)
    assert (await work.counts()).leased == 0


async def test_ticket_comes_to_its_end_and_a_target_can_be_paused(desk: Desk, scripts: Scripts, redis: Redis) -> None:
    reserved = await grant(desk)
    pauses = Pauses(scripts)
    async with full(redis):
        assert (await desk.release(reserved, "gone")).state == "released"
        await pauses.pause("forager", "credits")
    assert [one.reason for one in await pauses.of("forager")] == ["credits"]


async def test_uncertain_ticket_is_judged_and_creation_ends(
    desk: Desk, scripts: Scripts, redis: Redis, clock: Clock
) -> None:
    creations = Creations(scripts)
    sent = await send(desk)
    claimed = await creations.claim("acme_hubspot", "company", "c1", ("domain:a.com",), OWNER, 30_000)
    assert await creations.sent(claimed)  # type: ignore[arg-type]  # nobody else asks
    async with full(redis):
        assert (await desk.uncertain(sent, "hung")).state == "uncertain"
        assert (await desk.resolve(sent.ticket_id, ask_again=False)).state == "resolved"
        assert await creations.created(claimed, "901") == "created"  # type: ignore[arg-type]


async def test_call_that_was_reserved_before_is_not_sent(desk: Desk, redis: Redis) -> None:
    reserved = await grant(desk)
    async with full(redis):
        with pytest.raises(LedgerUnavailableError):
            await desk.sent(reserved)
