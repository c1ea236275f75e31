"""``reconcile`` as a person runs it."""

from __future__ import annotations

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox


async def test_reconcile_tells_ours_theirs_uncertain_and_drift_of_each_provider(refill: Refill) -> None:
    ran = await refill("reconcile", "--json")
    told = ran.json
    assert (ran.code, sorted(told["providers"]), told["unread"], told["restored"]) == (
        0,
        ["forager", "kaspr"],
        {},
        False,
    )
    forager = told["providers"]["forager"]
    assert {name: forager[name] for name in ("by", "ours", "theirs", "sent", "uncertain", "drift", "paused")} == {
        "by": "log",
        "ours": 0,
        "theirs": 0,
        "sent": 0,
        "uncertain": 0,
        "drift": 0,
        "paused": False,
    }
    assert (told["providers"]["kaspr"]["by"], told["providers"]["kaspr"]["drift"]) == ("balance", None)
    assert "drift" in (await refill("reconcile")).out


async def test_one_charge_too_many_is_shown_with_its_day_and_operation_and_pauses_until_resumed(
    refill: Refill, vendors: dict[str, Sandbox]
) -> None:
    await refill("reconcile")
    vendors["forager"].control("act/charge", {"change_type": "person_phone_number_lookup", "credits": 15})
    ran = await refill("reconcile")
    assert ran.code == 1
    assert "phone_numbers" in ran.out
    assert "refill resume forager" in ran.err
    paused = (await refill("status", "--json")).json
    assert "15 credits more" in paused["paused"]["forager"]["reconcile"]["why"]
    assert paused["reconciled"]["forager"]["drift"] == 15
    assert "no longer paused (reconcile)" in (await refill("resume", "forager")).out
    assert (await refill("reconcile")).code == 0


async def test_books_that_cannot_be_read_are_said(refill: Refill, vendors: dict[str, Sandbox]) -> None:
    vendors["forager"].fault("status", "*balance_change_logs*", params={"status": 401})
    ran = await refill("reconcile")
    assert ran.code == 1
    assert "forager: its books could not be read" in ran.err
