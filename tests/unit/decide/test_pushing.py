"""Keeps a person's value through every push, and judges an unseen write by what the CRM shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.models import Grade, Record
from tests.unit.decide.scene import policy, record, rule, with_slug
from worker.decide.decision import Change
from worker.decide.kept import OurValue
from worker.decide.policy import WriteRule
from worker.decide.pushing import (
    ChangeVerdict,
    Intent,
    IntentFate,
    Push,
    close_intents,
    compare,
    is_stale,
    overtaken,
    push,
)
from worker.decide.record import look
from worker.decide.values.fields import value_hash

TITLE = Change("job_title", "jobtitle", "VP Sales", "forager", None, "k1")
EMAIL = Change("work_email", "email", "ada@acme.com", "forager", Grade.VALID, "k2")
OURS = {"job_title": OurValue(value_hash("job_title", "Sales"))}


@pytest.mark.parametrize(
    ("write", "held", "own", "verdict"),
    [
        (WriteRule.IF_BLANK, None, {}, ChangeVerdict.WRITE),
        (WriteRule.IF_BLANK, " ", {}, ChangeVerdict.WRITE),
        (WriteRule.IF_BLANK, "CEO", {}, ChangeVerdict.TAKEN),
        (WriteRule.IF_BLANK, "Sales", OURS, ChangeVerdict.TAKEN),
        (WriteRule.IF_BLANK, "VP Sales", {}, ChangeVerdict.SAME),
        (WriteRule.IF_OURS, "Sales", OURS, ChangeVerdict.WRITE),
        (WriteRule.IF_OURS, "CEO", OURS, ChangeVerdict.TAKEN),
        (WriteRule.ALWAYS, "CEO", {}, ChangeVerdict.WRITE),
        (WriteRule.NEVER, None, {}, ChangeVerdict.TAKEN),
        (WriteRule.ALWAYS, "CEO", {"job_title": OurValue("x", refused=True)}, ChangeVerdict.CLOSED),
    ],
)
def test_a_change_is_written_only_as_its_rule_allows_on_the_record_read_again(
    write: WriteRule, held: str | None, own: dict[str, OurValue], verdict: ChangeVerdict
) -> None:
    rules = policy(rule("job_title", write=write))
    now = record({"jobtitle": held})
    assert compare(TITLE, now, look(now, rules, own), rules, own) is verdict


@pytest.mark.parametrize(
    ("held", "verdict"), [("N/A", ChangeVerdict.WRITE), ("n/a\u200b", ChangeVerdict.WRITE), ("-", ChangeVerdict.TAKEN)]
)
def test_a_listed_placeholder_may_be_replaced_and_any_other_stays(held: str, verdict: ChangeVerdict) -> None:
    rules, now = policy(rule("job_title"), blank_values=("N/A",)), record({"jobtitle": held})
    assert compare(TITLE, now, look(now, rules), rules) is verdict


def test_a_field_that_was_closed_or_is_watched_no_more_is_not_written() -> None:
    rules, now = policy(), record(do_not_call=True)
    phone = Change("mobile_phone", "mobilephone", "+4915123456789", "kaspr", None, "k3")
    assert compare(phone, now, look(now, rules), rules) is ChangeVerdict.CLOSED
    unwatched = Change("city", "city", "Berlin", "forager", None, "k4")
    assert compare(unwatched, now, look(now, rules), rules) is ChangeVerdict.CLOSED


def test_one_field_taken_meanwhile_keeps_back_that_field_only() -> None:
    rules, seen = policy(), look(with_slug(), policy())
    now = with_slug(jobtitle="CEO")
    assert push((EMAIL, TITLE), seen, now, look(now, rules), rules) == Push(
        (EMAIL,), {"job_title": ChangeVerdict.TAKEN}
    )


@pytest.mark.parametrize(
    "now",
    [
        with_slug("bob-other"),
        with_slug(lastname="Other"),
        with_slug(email="bob@acme.com"),
        replace(with_slug(), opted_out=True),
    ],
)
def test_nothing_is_written_once_identity_or_selection_changed(now: Record) -> None:
    rules, seen = policy(), look(with_slug(), policy())
    assert is_stale(seen, look(now, rules))
    assert push((EMAIL, TITLE), seen, now, look(now, rules), rules) == Push(stale=True)


@given(st.text(min_size=1, max_size=20), st.sampled_from([WriteRule.IF_BLANK, WriteRule.IF_OURS]))
def test_a_persons_value_is_never_written_over(typed: str, write: WriteRule) -> None:
    rules = policy(rule("job_title", write=write))
    now = record({"jobtitle": typed})
    if look(now, rules).blank:
        return
    assert compare(TITLE, now, look(now, rules), rules) is not ChangeVerdict.WRITE


@pytest.mark.parametrize(
    ("lines", "under"),
    [
        ([("VP Sales", "us"), ("CEO", "person"), ("Sales", "us")], "CEO"),
        ([("VP Sales", "us"), ("", "person"), ("Sales", "us")], ""),  # cleared between our read and our write
        ([("CTO", "person"), ("VP Sales", "us"), ("CEO", "person")], None),  # corrected since
        ([("VP Sales", "us"), ("Sales", "us"), ("CEO", "person")], None),  # what we had read
        ([("VP Sales", "us"), ("VP Sales", "us"), ("CEO", "person")], None),
        ([("Other", "us"), ("CEO", "person")], None),
        ([("VP Sales", "us")], None),
        ([], None),
    ],
)
def test_only_what_was_written_right_under_ours_was_overtaken(lines: list[tuple[str, str]], under: str | None) -> None:
    assert overtaken(TITLE, lines, "Sales", "us".__eq__) == under


INTENT = Intent("j1", "work_email", "email", "", "ada@acme.com")


@pytest.mark.parametrize(
    ("intent", "held", "ours", "fate"),
    [
        (INTENT, "ADA@acme.com", True, IntentFate.CONFIRMED),
        (INTENT, "ada@acme.com", False, IntentFate.SEEN),
        (INTENT, None, True, IntentFate.UNSENT),
        (INTENT, "bob@acme.com", True, IntentFate.OVERTAKEN),
        (Intent("j2", "job_title", "email", "CEO", "VP"), "CEO", False, IntentFate.UNSENT),
        (Intent("j3", "phone", "email", "", "+493023123456"), "(030) 23123456", True, IntentFate.CONFIRMED),
    ],
)
def test_an_unseen_write_is_judged_by_the_crm(intent: Intent, held: str | None, ours: bool, fate: IntentFate) -> None:
    closed = close_intents((intent,), record({"email": held}), lambda name: ours and name == "email", ("DE",))
    assert closed == ((intent, fate),)


def test_intents_of_a_record_that_is_gone_are_gone() -> None:
    assert close_intents((INTENT,), None, lambda _: True) == ((INTENT, IntentFate.GONE),)
