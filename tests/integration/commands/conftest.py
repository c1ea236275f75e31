from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.harness.installation import Refill
from tests.integration.commands.byhand import Hand, somebody


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
