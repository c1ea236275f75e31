"""One process at a time renews a crm's grant, and no process puts an older one over a newer."""

from __future__ import annotations

import pytest

from tests.harness.clock import Clock
from worker.ledger.intake.grants import EVERYSEC_S, Grants, LeaseTry
from worker.ledger.scripts import Scripts

CRM, MS = "acme", 90_000


class Rest:
    """Waits for nothing and keeps how long it should have."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
def grants(scripts: Scripts, rest: Rest) -> Grants:
    return Grants(scripts, rest)


async def test_the_lease_is_one_process_s_until_it_ends(grants: Grants, clock: Clock) -> None:
    assert await grants.take(CRM, "one", MS) == LeaseTry(1)
    clock.pass_ms(MS - 1)
    assert await grants.take(CRM, "two", MS) == LeaseTry(0, 1)
    clock.pass_ms(1)
    assert await grants.take(CRM, "two", MS) == LeaseTry(2)
    assert await grants.take(CRM, "one", MS) == LeaseTry(0, MS)


async def test_a_holder_may_hold_on_and_keeps_its_fence(grants: Grants, clock: Clock) -> None:
    await grants.take(CRM, "one", MS)
    clock.pass_ms(MS - 1)
    assert await grants.take(CRM, "one", MS) == LeaseTry(1)
    clock.pass_ms(MS - 1)
    assert (await grants.take(CRM, "two", MS)).fence == 0


async def test_a_holder_that_comes_back_too_late_is_another_one(grants: Grants, clock: Clock) -> None:
    await grants.take(CRM, "one", MS)
    clock.pass_ms(MS)
    assert await grants.take(CRM, "one", MS) == LeaseTry(2)


async def test_a_released_lease_is_free_and_only_ones_own_is_released(grants: Grants) -> None:
    await grants.take(CRM, "one", MS)
    await grants.release(CRM, "two")
    assert (await grants.take(CRM, "two", MS)).fence == 0
    await grants.release(CRM, "one")
    assert await grants.take(CRM, "two", MS) == LeaseTry(2)


async def test_the_next_holder_reads_what_the_last_one_kept(grants: Grants) -> None:
    assert await grants.keep(CRM, (await grants.take(CRM, "one", MS)).fence, "first")
    await grants.release(CRM, "one")
    assert await grants.take(CRM, "two", MS) == LeaseTry(2, 0, "first")
    assert (await grants.take("other", "two", MS)).grant == ""


async def test_a_holder_that_was_overtaken_puts_nothing_over_a_newer_grant(grants: Grants, clock: Clock) -> None:
    early = await grants.take(CRM, "one", MS)
    clock.pass_ms(MS)
    late = await grants.take(CRM, "two", MS)
    assert await grants.keep(CRM, early.fence, "old")  # nothing newer is there yet, and it may be the only good one
    assert await grants.keep(CRM, late.fence, "new")
    assert not await grants.keep(CRM, early.fence, "old")
    await grants.release(CRM, "two")
    assert (await grants.take(CRM, "three", MS)).grant == "new"


@pytest.mark.parametrize(("setting", "waits"), [("always", []), ("no", []), ("everysec", [EVERYSEC_S])])
async def test_a_kept_grant_is_on_the_disk_as_the_server_is_set(
    grants: Grants, scripts: Scripts, rest: Rest, setting: str, waits: list[float]
) -> None:
    before = (await scripts.redis.config_get("appendfsync"))["appendfsync"]
    await scripts.redis.config_set("appendfsync", setting)
    try:
        taken = await grants.take(CRM, "one", MS)
        assert await grants.keep(CRM, taken.fence, "grant")
        assert rest.waits == waits or await _waits_by_itself(scripts)
        assert await grants.keep(CRM, taken.fence, "grant", sync=False)
        assert rest.waits == waits or await _waits_by_itself(scripts)
    finally:
        await scripts.redis.config_set("appendfsync", before)


async def _waits_by_itself(scripts: Scripts) -> bool:
    """Whether this Redis (7.2 and newer) can be asked to tell when a write is on the disk."""
    version = (await scripts.redis.info("server"))["redis_version"]
    return tuple(map(int, version.split(".")[:2])) >= (7, 2)
