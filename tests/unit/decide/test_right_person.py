"""The right person, or nothing."""

from __future__ import annotations

from connectors.models import Person, Phone
from tests.unit.decide.scene import (
    ADA,
    BOB,
    EMAIL,
    KASPR_FIRST,
    MOBILE,
    PHONES,
    ROSE,
    emails,
    hit,
    kaspr,
    phones,
    policy,
    rule,
    visit,
    with_slug,
)
from worker.decide.reasons import Reason


def test_the_person_is_proved_for_one_credit_before_a_dear_question() -> None:
    seen = visit(with_slug(), policy(EMAIL), {"detail": hit(ADA), "work_emails": emails("ada@acme.com")})
    assert seen.operations == ["detail", "work_emails"]
    assert seen.values == {"work_email": "ada@acme.com"}


def test_nothing_is_asked_about_somebody_else() -> None:
    seen = visit(with_slug(), policy(), {"detail": hit(ROSE), "work_emails": emails("rose@acme.com")})
    assert seen.operations == ["detail"]
    assert seen.values == {}
    assert set(seen.decision.unfilled.values()) == {Reason.WRONG_PERSON}
    assert seen.decision.dropped == {"wrong_person": 1}


def test_a_person_nobody_names_is_not_paid_for() -> None:
    seen = visit(with_slug(), policy(EMAIL, PHONES), {"work_emails": emails("ada@acme.com")})
    assert seen.operations == ["detail", "profile"]
    assert set(seen.decision.unfilled.values()) == {Reason.NOT_FOUND}


def test_a_name_in_another_answer_is_proof_enough() -> None:
    book = {"profile": kaspr(), "phones": phones(MOBILE), "work_emails": emails("ada@acme.com")}
    seen = visit(with_slug(), policy(rule("mobile_phone", KASPR_FIRST)), book)
    assert seen.operations == ["profile", "phones"]
    assert seen.values == {"mobile_phone": MOBILE}


def test_an_answer_that_names_somebody_else_is_not_read_even_where_another_proved_the_person() -> None:
    book = {"detail": hit(ADA), "profile": kaspr(ROSE, ROSE), "phones": phones(MOBILE)}
    seen = visit(with_slug(), policy(rule("work_email"), rule("mobile_phone")), book)
    assert seen.values == {"mobile_phone": MOBILE}
    assert seen.decision.unfilled == {"work_email": Reason.WRONG_PERSON}


def test_verification_can_be_switched_off_and_a_name_that_differs_still_counts() -> None:
    rules = policy(rule("work_email"), rule("mobile_phone", KASPR_FIRST), verify_person=False)
    book = {"work_emails": emails("ada@acme.com"), "profile": hit(ROSE)}
    seen = visit(with_slug(), rules, book)
    assert seen.operations == ["work_emails", "profile"]
    assert seen.values == {}
    assert set(seen.decision.unfilled.values()) == {Reason.WRONG_PERSON}


def test_a_blank_last_name_contradicts_nothing_and_needs_no_proof() -> None:
    row = with_slug(lastname="", firstname="")
    seen = visit(row, policy(EMAIL), {"work_emails": emails("ada@acme.com")})
    assert seen.operations == ["work_emails"]
    assert seen.values == {"work_email": "ada@acme.com"}


def test_without_a_last_name_another_slug_in_the_answer_is_another_person() -> None:
    row = with_slug(lastname="", firstname="Ada")
    seen = visit(row, policy(rule("job_title")), {"detail": hit(BOB)})
    assert seen.decision.unfilled == {"job_title": Reason.WRONG_PERSON}
    assert visit(row, policy(rule("job_title")), {"detail": hit(ADA)}).values == {"job_title": "VP Sales"}


def test_a_named_answer_without_a_name_is_read_only_once_the_person_is_proved() -> None:
    nameless = hit(Person(slug="ada-example", phones=(Phone(MOBILE),)))
    rules = policy(rule("mobile_phone", KASPR_FIRST))
    assert visit(with_slug(), rules, {"profile": nameless}).values == {}
    proved = visit(with_slug(), rules, {"profile": nameless, "detail": hit(ADA)})
    assert proved.operations == ["profile", "detail"]
    assert proved.values == {"mobile_phone": MOBILE}
