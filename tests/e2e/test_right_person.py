"""Deliveries give nobody another person's data, on data such as CRMs really hold."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Open
from tests.e2e.right_person import Truth
from tests.e2e.stage import Config

NOBODY: Config = {name: {"from": []} for name in ("work_email", "phone", "mobile_phone", "job_title")}
ONLY_DELIVERIES: Config = {
    "crm": {
        "acme_hubspot": {"watch": {"contact": {"fields": NOBODY}}},
        "acme_salesforce": {"watch": {"contact": {"fields": NOBODY}, "lead": {"fields": NOBODY}}},
    }
}
WORLD: dict[str, Any] = {
    "records": 60, "companies": 16, "searches": 1, "delivered-companies": 16, "delivered-prospects": 80, "seed": 1,
    "mistakes": "hard",
}  # fmt: skip


async def test_deliveries_write_no_value_of_another_person_and_lose_or_double_nobody(opened: Open) -> None:
    stage = opened(ONLY_DELIVERIES, **WORLD)
    await stage.start()
    await stage.finished()

    truth = Truth(stage, WORLD)
    assert sum(person.number in truth.world.confused for person in truth.prospects.values()) > 10
    assert truth.strangers_values() == []
    # Whoever led to a row that says too little to tell is counted as unproved, and has no row of their own.
    assert [one for one in await truth.lost() if "nobody is" not in one] == []
