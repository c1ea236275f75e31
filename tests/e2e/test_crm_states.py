"""Writes what a CRM's rules, approvals and limits kept back when those end, and never pays for it again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from tests.e2e.conftest import RECORDS, Open, Undisturbed
from tests.e2e.stage import WITHOUT_DELIVERIES, Stage
from tests.e2e.test_undisturbed import WATCHED
from tests.harness.until import until

SECONDS = 10.0  # by the CRMs' clocks: an edit of these rows is another one than the seeding


class States:
    """Holds what is in force in both CRMs, each kind on rows of its own."""

    def __init__(self, stage: Stage) -> None:
        self.portal, self.org = stage.vendors["hubspot"], stage.vendors["salesforce"]
        self.contacts = sorted(stage.vendors.rows("salesforce", "Contact"))
        self.leads = sorted(stage.vendors.rows("salesforce", "Lead"))
        self.people = sorted(stage.vendors.rows("hubspot", "contacts"))

    def begin(self) -> None:
        """A third of the contacts is in an approval, leads have a rule and a trigger, the portal a rule."""
        self.org.control("approval", {"object": "Contact", "ids": self.contacts[::3]})
        rules = [{"object": "Lead", "field": "Title", "needs": "LeadSource"}]
        self.org.control("rules", {"validations": rules, "trigger_rows": {"Contact": 3}})
        self.portal.control("settings", {"required_beside": {"contacts": {"jobtitle": "seniority"}}})

    def end(self) -> None:
        """Somebody approves, and tells what the rules ask for."""
        for vendor in (self.org, self.portal):
            vendor.control("clock", {"advance": SECONDS})
        self.org.control("approval", {"object": "Contact", "ids": self.contacts[::3], "ended": True})
        for id_ in self.leads:
            self.org.control("edit", {"object": "Lead", "id": id_, "properties": {"LeadSource": "Web"}})
        for id_ in self.people:
            self.portal.control("edit", {"object": "contacts", "id": id_, "properties": {"seniority": "senior"}})


def watched(state: Mapping[tuple[str, str, str], Mapping[str, str]]) -> dict[tuple[str, str, str], dict[str, str]]:
    return {
        row: {name: value for name, value in values.items() if name in WATCHED.get(row[:2], ())}
        for row, values in state.items()
    }


@pytest.mark.timeout(400)
async def test_rules_approvals_and_triggers_keep_values_back_until_they_end_and_nothing_is_paid_again(
    opened: Open, undisturbed: Undisturbed
) -> None:
    expected = watched(await undisturbed())
    stage = opened(WITHOUT_DELIVERIES, **RECORDS)
    before = stage.vendors.state()
    states = States(stage)
    states.begin()
    await stage.played()
    kept_back = [row for row, values in watched(stage.vendors.state()).items() if values != expected[row]]
    bill, dead = len(stage.vendors.charges()), {name: one.dead for name, one in (await stage.counts()).items()}

    assert {row[:2] for row in kept_back} == set(WATCHED)
    assert set(dead.values()) == {0}
    locked, now = [("salesforce", "Contact", id_) for id_ in states.contacts[::3]], stage.vendors.state()
    assert all(now[row] == before[row] for row in locked)

    states.end()
    await until(partial(nothing_is_kept_back, stage, expected), "every value that was kept back", 60)
    await stage.finished()

    assert len(stage.vendors.charges()) == bill
    assert stage.vendors.charged_twice() == []
    assert stage.vendors.overwritten() == []


def nothing_is_kept_back(stage: Stage, expected: Mapping[Any, Any]) -> bool:
    return watched(stage.vendors.state()) == expected
