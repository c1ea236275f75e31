"""A value of ours that the CRM calls bad is a gap, is remembered once, and is never offered to its record again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from connectors.models import Record
from tests.unit.decide.scene import KASPR_FIRST, WORK, kaspr, policy, record, rule, visit, with_slug
from worker.decide.decision import Change
from worker.decide.kept import OurValue
from worker.decide.policy import Policy, WriteRule
from worker.decide.pushing import ChangeVerdict, compare
from worker.decide.reasons import Reason
from worker.decide.record import fingerprint, look
from worker.decide.values.fields import value_hash

BOUNCE = "hs_email_hard_bounce_reason_enum"
OURS = "ada@acme.com"
HASH = value_hash("work_email", OURS)


def watched(values: tuple[str, ...] = ("UNKNOWN_USER",), write: WriteRule = WriteRule.IF_BLANK) -> Policy:
    mine = replace(rule("work_email", KASPR_FIRST), write=write)
    return dataclasses.replace(policy(mine), bad={"work_email": {BOUNCE: values}})


def row(address: str = OURS, said: str = "UNKNOWN_USER") -> Record:
    found = record({})
    return replace(found, values={**found.values, watched().rules[0].property: address, BOUNCE: said})


def own(**more: object) -> Mapping[str, OurValue]:
    return {"work_email": replace(OurValue(HASH), **more)}


def test_a_value_of_ours_that_bounced_is_open_as_if_blank_and_news() -> None:
    view = look(row(), watched(), own())
    assert view.gaps == ("work_email",)
    assert set(view.news) == view.spoiled == {"work_email"}
    assert view.bad["work_email"] == {HASH}


@pytest.mark.parametrize(
    ("found", "rules", "ours"),
    [
        (row(said=""), watched(), own()),  # it did not bounce
        (row(said="MAILBOX_FULL"), watched(), own()),  # nor is that among the words that count
        (row("typed@acme.com"), watched(), own()),  # it is a person's
        (row(), watched(), {}),  # it was never ours
        (row(), watched(write=WriteRule.NEVER), own()),
    ],
)
def test_anything_else_stays_as_it_is(found: Record, rules: Policy, ours: Mapping[str, OurValue]) -> None:
    view = look(found, rules, ours)
    assert (view.gaps, view.news, view.spoiled) == ((), {}, frozenset())


def test_any_word_counts_where_any_is_meant() -> None:
    assert look(row(said="2026-11-20T09:00:00Z"), watched(("*",)), own()).news


def test_a_word_counts_once_and_another_value_of_ours_is_good_until_it_is_said_anew() -> None:
    word = look(row(), watched(), own()).news["work_email"]
    marked = own(bad=(HASH,), reported=word)
    again = look(row(), watched(), marked)
    assert not again.news
    assert again.spoiled == {"work_email"}
    after = {"work_email": marked["work_email"].written(value_hash("work_email", "new@acme.com"))}
    assert look(row("new@acme.com"), watched(), after).gaps == ()
    assert look(row("new@acme.com", "UNKNOWN_USER"), watched(("*",)), after).news == {}


def test_the_fingerprint_changes_with_the_bounce_and_not_with_its_being_noted() -> None:
    rules = watched()
    good, fresh = (look(row(said=said), rules, own()) for said in ("", "UNKNOWN_USER"))
    noted = look(row(), rules, own(bad=(HASH,), reported=fresh.news["work_email"]))
    assert fingerprint(good, rules) != fingerprint(fresh, rules) == fingerprint(noted, rules)


def test_another_value_may_replace_it_and_the_persons_may_not_be_replaced() -> None:
    change = Change("work_email", watched().rules[0].property, "new@acme.com", "kaspr", None, "q")
    for found, verdict in ((row(), ChangeVerdict.WRITE), (row("typed@acme.com"), ChangeVerdict.TAKEN)):
        view = look(found, watched(), own())
        assert compare(change, found, view, watched(), own()) is verdict


def test_a_person_who_takes_it_away_closes_nothing_and_it_is_never_written_again() -> None:
    blank = look(row(address=""), watched(), own(bad=(HASH,), reported="w"))
    assert (blank.gaps, blank.refused) == (("work_email",), ())
    rules = policy(rule("work_email", ("kaspr",)))
    book = {"profile": kaspr(emails=(WORK,))}
    offered = visit(with_slug(), rules, book)
    (change,) = offered.decision.changes
    bad = {"work_email": OurValue(bad=(value_hash("work_email", change.value),))}
    decision = visit(with_slug(), rules, book, own=bad).decision
    assert (decision.changes, decision.unfilled["work_email"]) == ((), Reason.BAD_VALUE)
