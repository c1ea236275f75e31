"""Holds a normal run of two workers against the vendors' books."""

from __future__ import annotations

from collections.abc import Mapping

from tests.e2e.conftest import Open
from tests.e2e.stage import ONLY_SYNC, WITHOUT_DELIVERIES
from tests.harness.config import laid_over
from worker.decide.reasons import Reason

WATCHED = {
    ("hubspot", "contacts"): ("email", "phone", "mobilephone", "jobtitle"),
    ("salesforce", "Contact"): ("Email", "Phone", "MobilePhone", "Title"),
    ("salesforce", "Lead"): ("Email", "Phone", "MobilePhone", "Title"),
}
PHONES = {"Phone", "MobilePhone"}


async def test_two_workers_pay_once_overwrite_nothing_and_a_second_pass_does_nothing(opened: Open) -> None:
    stage = opened()
    before = stage.vendors.state()
    await stage.played(2)

    assert stage.vendors.charged_twice() == []
    assert stage.vendors.overwritten() == []
    assert not any(stage.vendors.refused_for_rate().values())
    after = stage.vendors.state()
    assert {key for key, row in before.items() if not row.items() <= after[key].items()} == set()
    for provider in ("forager", "kaspr"):
        spent, bill, at_most = await stage.money(provider)
        assert 0 < spent == bill == at_most

    charges, writes = len(stage.vendors.charges()), len(stage.vendors.writes())
    second = await stage.sync("--full")

    assert (len(stage.vendors.charges()), len(stage.vendors.writes())) == (charges, writes)
    assert (second["filled"], sum(second["credits"].values()), second["dead"]) == (0, 0, 0)
    assert stage.vendors.state() == after


async def test_every_gap_ends_filled_or_with_a_counted_reason(opened: Open) -> None:
    stage = opened(laid_over(ONLY_SYNC, WITHOUT_DELIVERIES))
    before = stage.vendors.state()
    await stage.start()

    report = await stage.sync("--full")

    after = stage.vendors.state()
    assert report["dead"] == report["waiting"] == 0
    assert set(report["not_filled"]) <= set(Reason)
    assert report["filled"] == blanks(before) - blanks(after) > 0
    reasons = dict(report["not_filled"])
    reasons.pop("opted_out", 0)
    assert sum(reasons.values()) == blanks(after)
    assert report["gaps"] == report["filled"] + sum(report["not_filled"].values())


def blanks(state: Mapping[tuple[str, str, str], Mapping[str, str]]) -> int:
    """Watched values that nobody has told yet, of people who may be looked up."""
    return sum(
        name not in row
        for (crm, kind, _), row in state.items()
        for name in WATCHED.get((crm, kind), ())
        if not opted_out(row) and not (row.get("DoNotCall") == "True" and name in PHONES)
    )


def opted_out(row: Mapping[str, str]) -> bool:
    return "true" in {row.get("hs_email_optout", ""), row.get("HasOptedOutOfEmail", "").lower()}
