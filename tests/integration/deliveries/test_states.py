"""Deliveries meet rules, approvals, owners who left and limits: each refusal ends as its kind does."""

from __future__ import annotations

from collections import Counter

from connectors.models import Person
from sandbox.hubspot.table import PERSON as COLLEAGUE
from sandbox.salesforce.rules import Rules, Validation
from sandbox.salesforce.store import PERSON, PERSON_USER
from tests.integration.deliveries.desk import Desk, ada, named
from worker.decide.kept import TRIES


def zoe() -> Person:
    """Somebody of whom only the name and the title are known."""
    return ada(id="p9", slug="", first_name="Zoe", last_name="Zed", full_name="Zoe Zed", emails=())


def rules(desk: Desk) -> Rules:
    found: Rules = desk.vendors["salesforce"].store.rules
    return found


async def replayed(desk: Desk) -> None:
    """A person has cleared the way and replays the dead letters."""
    for letter in await desk.dead():
        await desk.runtime.ledger.work(desk.name, "delivery").replay(letter.id, "day-x")
    await desk.visit()


# ---- about the org: growing waits, then a dead letter --------------------------------------------------------------


async def test_what_a_full_org_keeps_back_waits_and_is_made_once_when_there_is_room(org: Desk) -> None:
    rules(org).storage_full = True
    await org.deliver(ada())
    assert not org.rows()
    assert not await org.dead()
    (waits,) = await org.waiting()
    assert waits.startswith("org_limit: org limit (STORAGE_LIMIT_EXCEEDED")
    rules(org).storage_full = False
    await org.days_later()
    (company,) = org.rows("company")
    assert [row["account"] for row in org.rows().values()] == [company]
    assert not await org.dead()


async def test_an_org_that_stays_full_ends_in_a_dead_letter_with_everybody_it_keeps_back(org: Desk) -> None:
    rules(org).storage_full = True
    await org.deliver(ada(), zoe())
    for _ in range(TRIES):
        assert not await org.dead()
        await org.days_later()
    assert named(await org.dead(), "c1", "p1", "p9", "STORAGE_LIMIT_EXCEEDED")
    told = Counter(one["signal"] for one in await org.journal() if one["kind"] == "signal")
    assert told == {"kept_back": 3}  # each of them once, however often it was tried
    assert any("STORAGE_LIMIT_EXCEEDED" in cause for cause in await org.tally())
    rules(org).storage_full = False
    await replayed(org)
    assert len(org.rows()) == 2
    assert not await org.dead()


async def test_an_owner_who_left_is_waited_for(org: Desk) -> None:
    store = org.vendors["salesforce"].store
    owner = store.any("User", PERSON_USER)
    store.force(owner, {"IsActive": False}, PERSON)
    await org.deliver(ada(), zoe())
    assert not org.rows()
    assert not await org.dead()
    assert "INACTIVE_OWNER_OR_USER" in (await org.waiting())[0]
    store.force(owner, {"IsActive": True}, PERSON)
    await org.days_later()
    assert len(org.rows()) == 2
    assert not await org.dead()


# ---- about a row's state: its next change ---------------------------------------------------------------------------


async def test_an_approval_keeps_back_only_the_row_it_locks_until_it_ends(org: Desk) -> None:
    row = org.add(first="Ada", last="Lovelace", email="ada@acme.com")
    rules(org).approvals.add(row)
    await org.deliver(ada(), zoe())
    assert sorted(one["first"] for one in org.rows().values()) == ["Ada", "Zoe"]
    assert "title" not in org.row(row)
    assert not await org.dead()
    (waits,) = await org.waiting()
    assert waits.startswith("record_locked: record locked (ENTITY_IS_LOCKED")
    await org.look_at_rows()
    assert "title" not in org.row(row)
    rules(org).approvals.clear()
    org.edit("contact", row, phone="+49 30 1234567")
    await org.look_at_rows()
    assert org.row(row)["title"] == "Analyst"
    assert {one["account"] for one in org.rows().values()} == org.rows("company").keys()
    assert not await org.waiting()
    assert not await org.dead()


async def test_a_lock_of_years_ends_in_no_dead_letter_and_is_told_once(org: Desk) -> None:
    row = org.add(first="Ada", last="Lovelace", email="ada@acme.com")
    rules(org).approvals.add(row)
    await org.deliver(ada())
    for _ in range(TRIES + 3):
        await org.days_later()
    assert not await org.dead()
    causes = [one["cause"] for one in await org.told("contact", row) if one.get("property") == "Title"]
    assert [cause.startswith("record locked (ENTITY_IS_LOCKED") for cause in causes] == [True]


async def test_a_row_that_nobody_changed_is_not_visited_for(org: Desk) -> None:
    row = org.add(first="Ada", last="Lovelace", email="ada@acme.com")
    org.add("company", name="Acme", domain="acme.com")
    rules(org).approvals.add(row)
    await org.deliver(ada())
    await org.seconds_pass()  # within the second of its change a row may change again unseen
    await org.look_at_rows()  # what we wrote ourselves is a change, once
    assert await org.waiting()
    assert await org.runtime.awaiting[org.name].look("day-x") == 0


async def test_dead_letter_for_another_reason_comes_back_with_the_change_of_a_locked_row(org: Desk) -> None:
    row = org.add(first="Ada", last="Lovelace", email="ada@acme.com")
    rules(org).approvals.add(row)
    rules(org).validations = (Validation("Contact", "Title", "LeadSource"),)
    await org.deliver(ada(), zoe())
    assert named(await org.dead(), row, "p9", "ENTITY_IS_LOCKED")
    rules(org).approvals.clear()
    rules(org).validations = ()
    org.edit("contact", row, phone="+49 30 1234567")
    await org.look_at_rows()
    assert org.row(row)["title"] == "Analyst"
    assert not await org.dead()


# ---- about another property: a change of the row, or a person's ------------------------------------------------------


def rule_beside(desk: Desk) -> None:
    """Asks whoever has a title for another property, too."""
    if desk.crm == "salesforce":
        rules(desk).validations = (Validation("Contact", "Title", "LeadSource"),)
    else:
        desk.vendors["hubspot"].settings.required_beside = {"contacts": {"jobtitle": "seniority"}}


async def test_a_rule_keeps_back_the_value_of_a_row_until_it_changes_and_names_who_cannot_be_made(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
    rule_beside(desk)
    await desk.deliver(ada(), zoe())
    assert desk.rows().keys() == {row}
    assert "title" not in desk.row(row)
    assert desk.row(row)["linkedin"]
    assert named(await desk.dead(), "p9", row)


async def test_what_a_rule_keeps_back_is_written_when_the_row_has_what_the_rule_asks_for(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
    rule_beside(desk)
    await desk.deliver(ada())
    assert not await desk.dead()
    (waits,) = await desk.waiting()
    assert waits.startswith("portal_rule: portal rule (")
    await desk.seconds_pass()
    await desk.look_at_rows()
    assert "title" not in desk.row(row)
    if desk.crm == "salesforce":
        rules(desk).validations = ()
        desk.edit("contact", row, phone="+49 30 1234567")
    else:
        properties = desk.vendors["hubspot"].portal.tables["contacts"]
        desk.vendors["hubspot"].portal.update(properties, properties.live(row), {"seniority": "senior"}, COLLEAGUE)
    await desk.look_at_rows()
    assert desk.row(row)["title"] == "Analyst"
    assert not await desk.waiting()


async def test_a_rule_that_is_taken_away_leaves_no_stamp_and_is_found_out_all_the_same(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
    rule_beside(desk)
    await desk.deliver(ada())
    for _ in range(TRIES + 2):
        await desk.days_later()
    assert not await desk.dead()
    if desk.crm == "salesforce":
        rules(desk).validations = ()
    else:
        desk.vendors["hubspot"].settings.required_beside = {}
    await desk.days_later()
    assert desk.row(row)["title"] == "Analyst"
    assert not await desk.waiting()
    told = Counter(one.get("property") for one in await desk.told("contact", row) if one.get("state") == "refused")
    assert set(told.values()) == {1}  # once, however often it was tried
