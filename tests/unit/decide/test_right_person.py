"""Writes of the right person, or nothing."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from connectors.models import Company, Person, Phone, Record, Role
from tests.unit.decide.scene import (
    ACME,
    ADA,
    AT_ACME,
    BERLIN,
    BOB,
    EMAIL,
    KASPR_FIRST,
    MOBILE,
    PHONES,
    ROSE,
    WORK,
    emails,
    hit,
    kaspr,
    phones,
    policy,
    record,
    rule,
    visit,
    with_slug,
)
from worker.decide.reasons import Reason


def test_the_person_is_proved_for_one_credit_before_a_dear_question() -> None:
    seen = visit(with_slug(), policy(EMAIL), {"detail": hit(ADA), "work_emails": emails("ada@acme.com")})
    assert (seen.operations, seen.values) == (["detail", "work_emails"], {"work_email": "ada@acme.com"})


def test_nothing_is_asked_about_somebody_else() -> None:
    seen = visit(with_slug(), policy(), {"detail": hit(ROSE), "work_emails": emails("rose@acme.com")})
    assert (seen.operations, seen.values) == (["profile", "detail"], {})
    assert set(seen.decision.unfilled.values()) == {Reason.WRONG_PERSON}
    assert seen.decision.dropped == {"wrong_person": 1}


def test_a_person_nobody_names_is_not_paid_for() -> None:
    seen = visit(with_slug(), policy(EMAIL, PHONES), {"work_emails": emails("ada@acme.com")})
    assert seen.operations == ["detail", "profile"]
    assert set(seen.decision.unfilled.values()) == {Reason.NOT_FOUND}


def test_a_name_in_another_answer_is_proof_enough() -> None:
    book = {"profile": kaspr(), "phones": phones(MOBILE), "work_emails": emails("ada@acme.com")}
    seen = visit(with_slug(), policy(rule("mobile_phone", KASPR_FIRST)), book)
    assert (seen.operations, seen.values) == (["profile", "phones"], {"mobile_phone": MOBILE})


def test_an_answer_that_names_somebody_else_is_not_read_even_where_another_proved_the_person() -> None:
    book = {"detail": hit(ADA), "profile": kaspr(ROSE, ROSE), "phones": phones(MOBILE)}
    seen = visit(with_slug(), policy(rule("work_email"), rule("mobile_phone")), book)
    assert seen.values == {"mobile_phone": MOBILE}
    assert seen.decision.unfilled == {"work_email": Reason.WRONG_PERSON}


def test_verification_can_be_switched_off_and_a_name_that_differs_still_counts() -> None:
    rules = policy(rule("work_email", ("forager",)), rule("mobile_phone", KASPR_FIRST), verify_person=False)
    book = {"work_emails": emails("ada@acme.com"), "profile": hit(ROSE)}
    seen = visit(with_slug(), rules, book, blocked=frozenset({"kaspr"}))
    assert (seen.operations, seen.values) == (["work_emails"], {"work_email": "ada@acme.com"})
    seen = visit(with_slug(), rules, book)
    assert (seen.operations, seen.values) == (["profile"], {})
    assert set(seen.decision.unfilled.values()) == {Reason.WRONG_PERSON}


NAMELESS = with_slug(lastname="", firstname="")
FIRST_NAME_ONLY = with_slug(lastname="")


def with_more(row: Record, **values: str) -> Record:
    return replace(row, values={**row.values, **values})


@pytest.mark.parametrize("row", [NAMELESS, FIRST_NAME_ONLY, with_more(NAMELESS, lastname="Example")])
def test_nobody_is_paid_for_whom_nothing_could_prove_unless_proof_is_switched_off(row: Record) -> None:
    book = {"detail": hit(ADA), "profile": kaspr(), "work_emails": emails("ada@acme.com")}
    seen = visit(row, policy(EMAIL), book)
    assert (seen.operations, seen.decision.unfilled) == ([], {"work_email": Reason.NO_IDENTITY})
    trusting = visit(row, policy(EMAIL, verify_person=False), book)
    assert (trusting.operations, trusting.values) == (["work_emails"], {"work_email": "ada@acme.com"})


@pytest.mark.parametrize("row", [NAMELESS, FIRST_NAME_ONLY])
def test_where_the_name_cannot_tell_the_employer_decides_before_the_dear_question(row: Record) -> None:
    book = {"detail": hit(ADA), "work_emails": emails("ada@acme.com")}
    here = visit(with_more(row, **AT_ACME), policy(EMAIL), book)
    assert (here.operations, here.values) == (["detail", "work_emails"], {"work_email": "ada@acme.com"})
    there = visit(with_more(row, website="https://elsewhere.com"), policy(EMAIL), book)
    assert (there.operations[0], there.values) == ("detail", {})
    assert there.decision.unfilled == {"work_email": Reason.UNPROVED}


def test_a_first_name_that_contradicts_is_another_person() -> None:
    row = with_more(FIRST_NAME_ONLY, **AT_ACME)
    seen = visit(
        row, policy(EMAIL), {"detail": hit(dataclasses.replace(ADA, first_name="Otto", full_name="Otto Example"))}
    )
    assert (seen.operations, seen.decision.unfilled) == (["detail"], {"work_email": Reason.WRONG_PERSON})


def test_a_last_name_alone_is_proved_by_an_address_and_not_by_the_employer() -> None:
    row = with_more(NAMELESS, lastname="Example", **AT_ACME)
    book = {"detail": hit(ADA), "phones": phones(MOBILE), "profile": kaspr(emails=(WORK,))}
    rules = policy(PHONES)
    assert visit(row, rules, book).operations == []
    known = visit(with_more(row, email="ada@acme.com"), rules, book)
    assert (known.operations, known.values) == (["detail", "profile", "phones"], {"mobile_phone": MOBILE})


def test_another_profile_s_contacts_are_not_read_where_the_provider_itself_names_somebody_else() -> None:
    book = {"profile": kaspr(), "detail": hit(ROSE), "phones": phones(MOBILE), "work_emails": emails("rose@acme.com")}
    rules = policy(rule("city", ("forager",)), rule("mobile_phone", KASPR_FIRST), EMAIL)
    assert visit(with_slug(), rules, book).values == {}
    known = visit(with_slug(), rules, {}, kept=visit(with_slug(), policy(rule("city", ("forager",))), book).answers)
    assert known.operations == []  # nor asked for, once that is known


def test_a_reverse_lookup_by_phone_is_proved_by_something_else() -> None:
    rules = policy(rule("job_title"), EMAIL)
    book = {"by_phone": hit(ADA)}
    alone = visit(record({"firstname": "", "lastname": "", "mobilephone": MOBILE}), rules, book)
    assert (alone.operations, alone.values) == ([], {})
    named = visit(record({"mobilephone": MOBILE}), rules, book)
    assert named.values == {"job_title": "VP Sales"}
    shared = visit(record({"firstname": "Otto", "mobilephone": MOBILE}), rules, book)
    assert shared.operations == ["by_phone"]
    assert set(shared.decision.unfilled.values()) == {Reason.WRONG_PERSON}
    at_work = visit(record({"firstname": "", "lastname": "", "mobilephone": MOBILE, **AT_ACME}), rules, book)
    assert at_work.values == {"job_title": "VP Sales"}


def test_no_role_address_is_asked_about_and_nothing_of_whoever_answers_there_is_written() -> None:
    row = record({"lastname": "", "email": "info@acme.com"})
    bob = dataclasses.replace(BOB, title="Clerk", phones=(Phone(MOBILE), Phone(BERLIN)))
    seen = visit(row, policy(), {"by_email": hit(bob), "search": hit(bob), "phones": phones(MOBILE)})
    assert (seen.operations, seen.values) == ([], {})


def test_the_page_of_a_shop_is_nobody_s_employer() -> None:
    amazon = Company(id="9", name="Amazon", domain="amazon.de")
    jane = Person("7", "jane-smith", "Jane Smith", "Jane", "Smith", roles=(Role("Buyer", amazon, current=True),))
    row = record({"firstname": "Jane", "lastname": "Smith", "website": "https://www.amazon.de/stores/acme"})
    seen = visit(row, policy(), {"search": hit(jane), "phones": phones(MOBILE), "profile": kaspr(jane)})
    assert (seen.operations, seen.values) == ([], {})


def test_a_named_answer_without_a_name_is_read_only_once_the_person_is_proved() -> None:
    nameless = hit(Person(slug="ada-example", phones=(Phone(MOBILE),)))
    rules = policy(rule("mobile_phone", KASPR_FIRST))
    assert visit(with_slug(), rules, {"profile": nameless}).values == {}
    proved = visit(with_slug(), rules, {"profile": nameless, "detail": hit(ADA)})
    assert (proved.operations, proved.values) == (["profile", "detail"], {"mobile_phone": MOBILE})


LUCAS = Person("8", "lucas-rossi", "Lucas Rossi", "Lucas", "Rossi", roles=(Role("CFO", ACME, current=True),))
LUCA = {"firstname": "Luca", "lastname": "Rossi", **AT_ACME}


@pytest.mark.parametrize(
    ("found", "row", "is_found"),
    [
        (LUCAS, LUCA, False),  # a man of that name, and perhaps a woman of the other
        (dataclasses.replace(LUCAS, slug="luca-rossi-5a"), LUCA, True),
        (LUCAS, {**LUCA, "email": "lucas.rossi@acme.com"}, True),
        (LUCAS, {**LUCA, "email": "l.rossi@acme.com"}, False),
        (LUCAS, {**LUCA, "email": "info@acme.com"}, False),
        (dataclasses.replace(LUCAS, slug="luca-rossi", first_name="Marco", full_name="Marco Rossi"), LUCA, False),
    ],
)
def test_a_sister_name_needs_a_slug_or_address_spelling_it(found: Person, row: dict[str, str], is_found: bool) -> None:
    seen = visit(record(row), policy(rule("job_title", ("forager",))), {"search": hit(found)})
    assert seen.values == ({"job_title": "CFO"} if is_found else {})


def test_two_sister_names_at_one_company_are_nobody() -> None:
    spelled = dataclasses.replace(LUCAS, slug="luca-rossi-5a")
    luke = dataclasses.replace(LUCAS, id="9", slug="luca-rossi-6b", first_name="Luke", full_name="Luke Rossi")
    assert visit(record(LUCA), policy(rule("job_title", ("forager",))), {"search": hit(spelled, luke)}).values == {}
