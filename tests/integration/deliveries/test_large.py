"""A delivery that one visit cannot bring in is brought in by several, whatever the CRM's speed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.models import Email, Grade, Person
from sandbox.calls import Call
from sandbox.faults import Rule
from sandbox.latency import Pace
from tests.integration.deliveries.desk import Desk, ada, named
from worker.visits import deliver

NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Margaret", "Alan", "Katherine", "Tony", "Frances")


def people(count: int) -> list[Person]:
    return [
        ada(
            id=f"p{number}",
            slug=f"person-{number}",
            first_name=NAMES[number],
            last_name=f"Lovelace{NAMES[number]}",
            full_name="",
            emails=(Email(f"{NAMES[number].lower()}@acme.com", Grade.VALID),),
        )
        for number in range(count)
    ]


@pytest.fixture
def one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit's time is over with its first person."""
    monkeypatch.setattr(deliver, "BRINGING_MS", 0)


@pytest.mark.usefixtures("one_each")
async def test_visits_bring_the_people_in_one_after_the_other(desk: Desk) -> None:
    await desk.deliver(*people(5))
    (company,) = desk.rows("company")
    assert len(desk.rows()) == 5
    assert {row["account"] for row in desk.rows().values()} == {company}
    assert not await desk.dead()
    tally = await desk.tally()
    assert (tally["companies"], tally["contacts"]) == (1, 5)


@pytest.mark.usefixtures("one_each")
async def test_who_cannot_be_brought_in_is_named_once_the_others_are(desk: Desk) -> None:
    stranger = desk.add(first="Bob", last="Byron", external="p0")
    await desk.deliver(*people(4))
    assert len(desk.rows()) == 4
    (letter,) = await desk.dead()
    assert named([letter], stranger, "p0")
    assert letter.reason.count(stranger) == 1
    assert (await desk.tally())["contacts"] == 3


@pytest.mark.usefixtures("one_each")
async def test_row_that_is_delivered_anew_is_brought_in_anew(desk: Desk) -> None:
    await desk.deliver(*people(3))
    await desk.deliver(*people(4))
    assert len(desk.rows()) == 4
    assert (await desk.tally())["contacts"] == 7


LOST: dict[str, Any] = {"kind": "status", "params": {"status": 504}, "effect": True}
MADE: dict[str, dict[str, Any]] = {
    "hubspot": {"route": "*/contacts", "method": "POST"},
    "salesforce": {"match": "/p0", "method": "PATCH"},
}


@pytest.mark.usefixtures("one_each")
async def test_journal_tells_of_a_row_whose_creation_was_in_doubt_when_a_part_ended(desk: Desk) -> None:
    desk.vendors[desk.crm].faults.add(**LOST, **MADE[desk.crm])
    await desk.deliver(*people(4))
    assert len(desk.rows()) == 4
    told = [one["external_id"] for one in await desk.journal() if one["kind"] == "created"]
    assert sorted(told) == ["c1", "p0", "p1", "p2", "p3"]


class WriteThenSilence:
    """Loses the answer to the first write, and answers none of the calls after it for a while."""

    def __init__(self) -> None:
        self.lost = 0

    def draw(self, call: Call) -> Rule | None:
        if not self.lost and not call.path.endswith("/batch/update"):
            return None
        self.lost += 1
        return Rule(**LOST) if self.lost <= 4 else None


@pytest.mark.usefixtures("one_each")
async def test_journal_tells_of_a_value_that_was_in_doubt_when_a_part_ended(hub: Desk) -> None:
    first, *_ = people(4)
    row = hub.add(first=first.first_name, last=first.last_name, email=first.emails[0].address)
    hub.vendors["hubspot"].faults.weather = WriteThenSilence()
    await hub.deliver(*people(4))
    told = [one for one in await hub.journal() if (one.get("id"), one.get("field")) == (row, "job_title")]
    ends = {one["state"] for one in told}
    assert "confirmed" in ends
    assert not ends - {"confirmed", "seen"}


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_ten_people_come_to_a_crm_of_two_seconds_a_call(desk: Desk) -> None:
    vendor = desk.vendors[desk.crm]
    vendor.latency.pace = Pace(median_s=2.0, sigma=0.0, cap_s=2.0)
    tending = asyncio.ensure_future(desk.runtime.visits.tend())
    with capture_logs() as logs:
        await desk.deliver(*people(10))
    tending.cancel()
    assert "visit.cancelled" not in {one["event"] for one in logs}
    (company,) = desk.rows("company")
    assert [row.get("account") for row in desk.rows().values()] == [company] * 10
    assert not await desk.dead()
    assert (await desk.tally())["contacts"] == 10
