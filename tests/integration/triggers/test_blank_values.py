"""A placeholder that the operator listed is filled as a gap is; every other value stays a person's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from tests.integration.triggers.floor import HUBSPOT, Floor, opened

DECADE_MS = 3650 * 86_400_000


async def _titles(floor: Floor) -> dict[str, str]:
    url = f"{floor.vendors.told['hubspot']['control_url']}/records/contacts"
    rows: list[dict[str, Any]] = (await floor.http.get(url, timeout=60)).json()
    return {row["id"]: row["properties"].get("jobtitle") or "" for row in rows}


async def test_a_listed_placeholder_is_replaced_and_the_journal_keeps_it(redis: Redis, tmp_path: Path) -> None:
    watch = {"contact": {"fields": {"job_title": {"property": "jobtitle"}}}}
    config = {"crm": {HUBSPOT: {"watch": watch, "blank_values": ["N/A"]}}}
    async with opened(redis, tmp_path, config) as floor:
        empty = sorted(id for id, title in (await _titles(floor)).items() if not title)
        listed, unlisted = empty[::2], empty[1::2]
        for id in listed:
            await floor.edit("hubspot", "contacts", id, jobtitle="n/a")
        for id in unlisted:
            await floor.edit("hubspot", "contacts", id, jobtitle="-")
        await floor.time_passes(HUBSPOT, 60)

        await floor.poll(lookback_ms=DECADE_MS)
        await floor.visit_all()

        now = await _titles(floor)
        filled = [id for id in listed if now[id] != "n/a"]
        assert filled
        assert all(now[id] for id in filled)
        assert {now[id] for id in unlisted} == {"-"}
        for id in filled:
            entries = [
                json.loads(one.entry) for one in await floor.runtime.ledger.journal.entries(HUBSPOT, "contact", id)
            ]
            assert [one["before"] for one in entries if one.get("field") == "job_title"] == ["n/a"]
