"""What an org or portal says about us, and about no record: nothing is buried, and the sentence names what to set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.integration.triggers.floor import HUBSPOT, SALESFORCE, Floor, opened

DAY_MS = 86_400_000


async def _due(floor: Floor, crm: str) -> None:
    if crm == HUBSPOT:
        await floor.control("hubspot", "settings", {"index_lag": 0})
    await floor.poll(crm, lookback_ms=DAY_MS)
    assert len(await floor.due(crm)) >= 5


async def _visited(floor: Floor, crm: str) -> None:
    """Let everything that is due be tried, as often as its waits allow at once."""
    await floor.runtime.visits.fill(floor.runtime.lines[f"{crm}.contact"])


@pytest.mark.parametrize(
    ("crm", "settings", "healed", "todo"),
    [
        (SALESFORCE, {"retired_below": 67.0}, {"retired_below": 31.0}, "set crm.acme_salesforce.api_version"),
        (SALESFORCE, {"api_enabled": False}, {"api_enabled": True}, "API Enabled"),
        (SALESFORCE, {"always_unauthorized": True}, {"always_unauthorized": False}, "give the app the scope"),
        (HUBSPOT, {"retired": ["dated"]}, {"retired": []}, "set crm.acme_hubspot.api_version"),
        (HUBSPOT, {"scopes": []}, {}, "crm.objects.contacts.read"),
    ],
)
async def test_what_is_ours_to_mend_pauses_the_crm_and_buries_nothing(
    redis: Redis, tmp_path: Path, crm: str, settings: dict[str, Any], healed: dict[str, Any], todo: str
) -> None:
    vendor = crm.removeprefix("acme_")
    async with opened(redis, tmp_path) as floor:
        await _due(floor, crm)
        before = (await floor.work(crm).counts()).due
        known = await floor.control(vendor, "settings", {})
        await floor.control(vendor, "settings", settings)
        await _visited(floor, crm)
        counts = await floor.work(crm).counts()
        assert (counts.dead, counts.due) == (0, before)
        (pause,) = await floor.runtime.ledger.pauses.of(crm)
        assert pause.reason == "credentials"
        assert todo in pause.why
        await floor.control(vendor, "settings", healed or {"scopes": known["scopes"]})
        await floor.runtime.ledger.pauses.lift(crm, "credentials")
        assert (await floor.poll(crm, lookback_ms=DAY_MS)).seen >= before
