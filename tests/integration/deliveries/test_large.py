"""A delivery that one visit cannot bring in is brought in by several, whatever the CRM's speed."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from connectors.models import Email, Grade, Person
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
