from __future__ import annotations

from collections.abc import Iterator
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
    """The five, without faults and with empty books."""
    for vendor in all_vendors.values():
        vendor.calm()
    return all_vendors


@pytest.fixture
def refill(tmp_path: Path, vendors: dict[str, Sandbox]) -> Refill:
    return Refill(tmp_path, vendors)


@pytest.fixture
def hand(refill: Refill, redis: Redis, redis_socket: Path) -> Hand:
    """Providers by hand, on an empty Redis that stays up between commands."""
    refill.set(REFILL_REDIS__URL=f"unix://{redis_socket}", REFILL_REDIS__ALLOW_UNSAFE="true")
    person = somebody(refill.vendors["forager"])
    companies = refill.vendors["forager"].world["companies"]
    company = next(one for one in companies if one["number"] == person["employer"])
    return Hand(refill, person, company)
