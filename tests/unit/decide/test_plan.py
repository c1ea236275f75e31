"""Leaves questions unasked and values unwritten, and says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.models import Record
from tests.unit.decide.scene import (
    ADA,
    AT_ACME,
    FORAGER_FIRST,
    MISS,
    MOBILE,
    OFFERS,
    hit,
    kaspr,
    policy,
    proved,
    record,
    rule,
    text,
    visit,
    with_slug,
)
from worker.decide.plan import candidates
from worker.decide.policy import WriteRule
from worker.decide.reasons import Reason
from worker.decide.record import look


@pytest.mark.parametrize(
    ("row", "settings", "reason"),
    [
        ({"opted_out": True}, {}, Reason.OPTED_OUT),
        ({}, {"mode": "observe"}, None),
        ({}, {"where": {"stage": ("lead",)}}, None),
    ],
)
def test_a_record_left_alone_is_neither_asked_about_nor_written(
    row: dict[str, bool], settings: dict[str, Any], reason: Reason | None
) -> None:
    rules = policy(**settings)
    left = Record("contact", "1", with_slug().values, **row)  # type: ignore[arg-type]  # flags of the record
    seen = visit(left, rules, {})
    assert seen.operations == []
    assert set(seen.decision.unfilled.values()) == ({reason} if reason else set())
    assert candidates(seen.view, rules, OFFERS, {}) == ()


def test_do_not_call_and_refused_gaps_are_counted_and_not_asked_about() -> None:
    row = Record("contact", "1", with_slug(email="a@acme.com", jobtitle="CEO").values, do_not_call=True)
    seen = visit(row, policy(), {})
    assert seen.operations == []
    assert seen.decision.unfilled == {"phone": Reason.OPTED_OUT, "mobile_phone": Reason.OPTED_OUT}


def test_a_property_that_cannot_be_written_is_not_paid_for() -> None:
    rules = policy(rule("job_title"))
    seen = visit(with_slug(), rules, {}, schema={"jobtitle": text("jobtitle", writable=False)})
    assert (seen.operations, seen.decision.unfilled) == ([], {"job_title": Reason.NO_ACCESS})


def test_a_value_the_crm_does_not_take_lets_the_waterfall_go_on() -> None:
    rules = policy(rule("job_title", FORAGER_FIRST))
    schema = {"jobtitle": text("jobtitle", kind="options", options=frozenset({"Boss"}))}
    book = proved({"profile": kaspr(title="boss")})
    assert visit(with_slug(), rules, book, schema=schema).values == {"job_title": "Boss"}
    cut = visit(with_slug(), rules, book, schema={"jobtitle": text("jobtitle", 2)})
    assert cut.values == {"job_title": "VP"}


def test_a_value_that_is_there_already_is_no_change() -> None:
    rules = policy(rule("job_title", write=WriteRule.ALWAYS))
    assert visit(with_slug(jobtitle="VP Sales"), rules, {"detail": hit(ADA)}).decision.changes == ()
    assert visit(with_slug(jobtitle="CEO"), rules, {"detail": hit(ADA)}).values == {"job_title": "VP Sales"}
    missed = visit(with_slug(jobtitle="CEO"), rules, {})
    assert missed.decision.unfilled == {}


def test_a_url_that_is_known_from_another_property_is_not_bought() -> None:
    rules = policy(rule("linkedin_url"))
    rules = type(rules)(
        "c",
        "contact",
        rules=(type(rules.rules[0])("linkedin_url", "other_url", ("forager",)),),
        identity=rules.identity,
    )
    seen = visit(with_slug(), rules, {})
    assert (seen.operations, seen.decision.unfilled) == ([], {"linkedin_url": Reason.NOT_FOUND})


def test_a_field_nobody_offers_is_not_found() -> None:
    seen = visit(with_slug(), policy(rule("personal_email", ("kaspr",))), {})
    assert seen.decision.unfilled == {"personal_email": Reason.NOT_FOUND}


def test_a_company_is_never_taken_for_a_person() -> None:
    rules = replace(policy(rule("phone"), rule("city")), object="company")
    row = record({"hs_linkedin_url": "linkedin.com/in/ada", "mobilephone": MOBILE, "email": "info@acme.com"})
    seen = visit(row, rules, {"by_phone": hit(ADA)})
    assert seen.operations == []
    assert candidates(seen.view, rules, OFFERS, {}) == ()


def test_every_question_worth_loading_a_kept_answer_for_is_named() -> None:
    row = with_slug(**AT_ACME, email="ada@acme.com")
    rules = policy()
    told = {question.operation for question in candidates(look(row, rules), rules, OFFERS, {})}
    assert told == {"detail", "search", "work_emails", "personal_emails", "by_email", "phones", "profile"}
    only_kaspr = policy(rule("phone", ("kaspr",)))
    assert {one.operation for one in candidates(look(row, only_kaspr), only_kaspr, OFFERS, {})} == {"profile"}
    asked = visit(row, rules, {"detail": MISS})
    left = candidates(asked.view, rules, OFFERS, asked.answers)
    assert {question.operation for question in left} >= {"search", "by_email"}
    assert not {question.key for question in left} & set(asked.answers)
