"""A target is paused while any of its reasons stands, and each reason lifts only itself."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from tests.harness.clock import Clock
from worker.ledger.rates.pauses import Pause, Pauses
from worker.ledger.scripts import Scripts


@pytest.fixture
def pauses(scripts: Scripts) -> Pauses:
    return Pauses(scripts)


async def reasons(pauses: Pauses, target: str = "forager") -> list[str]:
    return [pause.reason for pause in await pauses.of(target)]


async def test_each_reason_lifts_only_itself(pauses: Pauses) -> None:
    await pauses.pause("forager", "operator")
    await pauses.pause("forager", "credits")
    assert await pauses.lift("forager", "operator")
    assert await reasons(pauses) == ["credits"]
    assert not await pauses.lift("forager", "operator")


async def test_reason_ends_at_its_time(pauses: Pauses, clock: Clock) -> None:
    await pauses.pause("forager", "credits", clock.now + 1000)
    clock.pass_ms(999)
    assert await reasons(pauses) == ["credits"]
    clock.pass_ms(1)
    assert await reasons(pauses) == []


async def test_expired_reasons_leave_nothing_behind(pauses: Pauses, clock: Clock, redis: Redis) -> None:
    await pauses.pause("forager", "credits", clock.now + 1000)
    clock.pass_ms(1000)
    assert await pauses.all() == []
    assert await redis.keys("*") == []


async def test_reason_told_again_keeps_the_time_it_began(pauses: Pauses, clock: Clock) -> None:
    began = clock.now
    await pauses.pause("acme_hubspot", "credentials", why="the token was refused")
    clock.pass_ms(5000)
    await pauses.pause("acme_hubspot", "credentials", clock.now + 10, why="refused again")
    expected = Pause("acme_hubspot", "credentials", clock.now + 10, began, "refused again", probe=False)
    assert await pauses.of("acme_hubspot") == [expected]
    clock.pass_ms(10)
    await pauses.pause("acme_hubspot", "credentials")
    assert (await pauses.of("acme_hubspot"))[0].since_ms == clock.now


@pytest.mark.parametrize(
    "why", ['the property "mobilephone" is gone', 'x "until": 5, "probe": true', "back\\slash\nline", "Straße 100 % %s"]
)
async def test_any_sentence_may_say_why(pauses: Pauses, clock: Clock, why: str) -> None:
    await pauses.pause("acme_hubspot", "contract", clock.now + 1000, why)
    [pause] = await pauses.of("acme_hubspot")
    assert (pause.why, pause.until_ms, pause.probe) == (why, clock.now + 1000, False)


async def test_several_targets_are_read_at_once(pauses: Pauses) -> None:
    for target in ("forager", "forager:main", "kaspr"):
        await pauses.pause(target, "operator")
    assert [pause.target for pause in await pauses.of("forager", "forager:main")] == ["forager", "forager:main"]
    assert await pauses.of() == []
