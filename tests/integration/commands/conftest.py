from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.contract.sandbox import Sandbox
from tests.integration import operating
from tests.integration.commands.byhand import Hand, somebody
from tests.integration.operating import Refill


@pytest.fixture(scope="session")
def all_vendors() -> Iterator[dict[str, Sandbox]]:
    with operating.vendors() as found:
        yield found


@pytest.fixture
def vendors(all_vendors: dict[str, Sandbox]) -> dict[str, Sandbox]:
    """The five, without faults, with empty books and all of their rates: each test has a Redis that knows of none."""
    for vendor in all_vendors.values():
        vendor.calm()
        vendor.control("reset-limits", {})
    return all_vendors


@pytest.fixture
def refill(tmp_path: Path, vendors: dict[str, Sandbox]) -> Refill:
    return Refill(tmp_path, vendors)


@pytest.fixture
async def hand(refill: Refill, redis: Redis, redis_socket: Path) -> AsyncIterator[Hand]:
    """Providers by hand, on an empty Redis that stays up between commands."""
    before = (await redis.config_get("appendfsync"))["appendfsync"]
    await redis.config_set("appendfsync", "everysec")  # what commands take for safe
    refill.set(REFILL_REDIS__URL=f"unix://{redis_socket}")
    person = somebody(refill.vendors["forager"])
    companies = refill.vendors["forager"].world["companies"]
    company = next(one for one in companies if one["number"] == person["employer"])
    yield Hand(refill, person, company)
    await redis.config_set("appendfsync", before)
