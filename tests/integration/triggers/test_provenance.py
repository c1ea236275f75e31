"""Our provenance wakes nobody: not the poll that sees the rows again, nor the sender of events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.triggers.floor import HUBSPOT, SALESFORCE, Floor
from worker.service.opening import open_crm

DECADE_MS = 3650 * 86_400_000
FIELDS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    HUBSPOT: (
        "contacts",
        [
            {"name": "refill_source", "label": "Refill source", "type": "string", "field_type": "text"},
            {"name": "refill_checked_at", "label": "Refill checked at", "type": "datetime", "field_type": "date"},
        ],
    ),
    SALESFORCE: (
        "Contact",
        [
            {"name": "Refill_Source__c", "type": "string", "length": 255},
            {"name": "Refill_Checked_At__c", "type": "datetime"},
        ],
    ),
}


async def rows(floor: Floor, crm: str) -> list[dict[str, Any]]:
    listed = await floor.control(crm.removeprefix("acme_"), f"records/{FIELDS[crm][0]}")
    return [one["properties"] for one in listed]


@pytest.mark.parametrize("crm", FIELDS)
async def test_marks_are_seen_by_people_and_start_nothing(floor: Floor, crm: str) -> None:
    table, fields = FIELDS[crm]
    for one in fields:
        await floor.control(crm.removeprefix("acme_"), f"properties/{table}", one)
    await open_crm(floor.runtime, crm)
    await floor.poll(crm, lookback_ms=DECADE_MS)
    await floor.visit_all(crm)

    source, checked_at = (one["name"] for one in fields)
    marked = [one for one in await rows(floor, crm) if one.get(source)]
    assert len(marked) > 5
    assert all(one[checked_at] for one in marked)
    assert {part.split()[1] for one in marked for part in one[source].split("; ")} == {"forager", "kaspr"}

    paid, written = len(floor.vendors.charges()), len(floor.vendors.our_writes())
    await floor.time_passes(crm, 5)
    again = await floor.poll(crm)
    assert again.seen > 0  # the rows that still lack something
    assert again.added == 0
    await floor.visit_all(crm)
    assert (len(floor.vendors.charges()), len(floor.vendors.our_writes())) == (paid, written)
