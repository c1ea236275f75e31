"""Lets the right person through, or nobody: by the name, and by what agrees where it cannot tell."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.models import Company, Email, Person, Role
from worker.decide.gate import Fact, Judgement, Verdict, facts, facts_of, is_likely, is_provable, is_theirs, judge

ADA: dict[str, Any] = {"first": "Ada", "last": "Example", "full": "Ada Example"}
SAME, OTHER, UNSAID = Verdict.SAME, Verdict.OTHER, Verdict.UNSAID
MOBILE, BERLIN = "+4915123456789", "+493023123456"
OFFICE, SWITCHBOARD = ("+442079306250",), ("+13035569469",)


@pytest.mark.parametrize(
    ("record", "found", "verdict"),
    [
        ({"first": "Ada", "last": "Example"}, ADA, SAME),
        ({"first": "Otto", "last": "Example"}, ADA, OTHER),
        ({"first": "Ada", "last": "Sample"}, ADA, OTHER),
        ({"first": "Otto"}, ADA, OTHER),
        ({"first": "Ada"}, ADA, UNSAID),
        ({"last": "Example"}, ADA, UNSAID),
        ({"first": "Ada", "last": "Example"}, {"last": "Example"}, UNSAID),
        ({"last": "Example"}, {"full": "Example"}, UNSAID),
        ({}, ADA, UNSAID),
        ({"first": "Ada", "last": "Example"}, {}, UNSAID),
    ],
)
def test_a_full_name_decides_and_half_does_not(record: dict[str, Any], found: dict[str, Any], verdict: Verdict) -> None:
    assert judge(facts(**record), facts(**found)) == Judgement(verdict)


@pytest.mark.parametrize(
    ("known", "found_by", "second"),
    [
        ({"emails": ("Ada@Acme.com",)}, Fact.SLUG, Fact.EMAIL),
        ({"emails": ("ada@gmail.com",)}, Fact.SLUG, Fact.EMAIL),
        ({"slug": "https://www.linkedin.com/in/ada-example/"}, Fact.EMAIL, Fact.SLUG),
        ({"numbers": (MOBILE,)}, Fact.SLUG, Fact.PHONE),
        ({"employers": ("https://www.acme.com/team",)}, Fact.SLUG, Fact.EMPLOYER),
        ({"emails": ("info@acme.com",)}, Fact.SLUG, Fact.EMPLOYER),
        ({"employers": ("acme.com",), "emails": ("ada@acme.com",)}, Fact.EMAIL, Fact.EMPLOYER),
        # what found the person does not prove the person
        ({"emails": ("ada@acme.com",)}, Fact.EMAIL, None),
        ({"numbers": (MOBILE,)}, Fact.PHONE, None),
        ({"slug": "ada-example"}, Fact.SLUG, None),
        # what many people share proves nobody
        ({"numbers": (BERLIN,)}, Fact.SLUG, None),
        ({"employers": ("gmail.com",)}, Fact.SLUG, None),
        ({"emails": ("somebody@gmail.com",)}, Fact.SLUG, None),
        # two people of one company
        ({"emails": ("otto@acme.com",)}, Fact.SLUG, None),
        ({"employers": ("acme.com",), "slug": "somebody-else"}, Fact.EMAIL, None),
        ({}, Fact.SLUG, None),
    ],
)
@pytest.mark.parametrize("name", [{}, {"first": "Ada"}])
def test_where_the_name_cannot_tell_a_second_fact_decides(
    name: dict[str, Any], known: dict[str, Any], found_by: Fact, second: Fact | None
) -> None:
    found = facts(
        **ADA,
        emails=("ada@acme.com", "info@acme.com", "ada@gmail.com"),
        numbers=(MOBILE, BERLIN),
        employers=("acme.com", "gmail.com"),
        slug="ada-example",
    )
    expected = Judgement(SAME if second else UNSAID, second)
    assert judge(facts(**name, **known), found, found_by=found_by) == expected


@pytest.mark.parametrize(
    ("known", "second"),
    [
        ({"emails": ("ada@acme.com",)}, Fact.EMAIL),
        ({"numbers": (MOBILE,)}, None),
        ({"employers": ("acme.com",)}, None),
    ],
)
def test_last_name_employer_and_number_are_what_families_share(known: dict[str, Any], second: Fact | None) -> None:
    found = facts(**ADA, emails=("ada@acme.com",), numbers=(MOBILE,), employers=("acme.com",))
    expected = Judgement(SAME if second else UNSAID, second)
    assert judge(facts(last="Example", **known), found, found_by=Fact.SLUG) == expected


@pytest.mark.parametrize(("found_by", "verdict"), [(Fact.SLUG, SAME), (Fact.EMAIL, UNSAID), (Fact.PHONE, UNSAID)])
def test_colleagues_share_an_employer_and_perhaps_an_address_or_number(found_by: Fact | None, verdict: Verdict) -> None:
    colleague = facts(first="Mary", last="Ramirez", employers=("acme.com",))
    assert (
        judge(facts(first="សុខា", last="ចាន់", employers=("acme.com",)), colleague, found_by=found_by).verdict is verdict
    )


@pytest.mark.parametrize(
    ("record", "found_by", "provable"),
    [
        ({"first": "Ada", "last": "Example"}, Fact.SLUG, True),
        ({"first": "Ada", "slug": "ada"}, Fact.SLUG, False),
        ({"last": "Example", "employers": ("acme.com",), "numbers": (MOBILE,)}, Fact.SLUG, False),
        ({"last": "Example", "emails": ("ada@gmail.com",)}, Fact.SLUG, True),
        ({"first": "Ada", "employers": ("acme.com",)}, Fact.SLUG, True),
        ({"emails": ("info@acme.com",)}, Fact.SLUG, True),
        ({"emails": ("info@acme.com",)}, Fact.EMAIL, False),
        ({"numbers": (MOBILE,)}, Fact.PHONE, False),
        ({"numbers": (MOBILE,), "emails": ("ada@gmail.com",)}, Fact.PHONE, True),
        ({}, None, False),
        ({"numbers": OFFICE, "employers": ("acme.com",)}, Fact.PHONE, False),
        ({"numbers": (MOBILE,), "employers": ("acme.com",)}, Fact.PHONE, True),
        ({"first": "Kevin", "numbers": OFFICE, "employers": ("acme.com",)}, Fact.PHONE, True),
    ],
)
def test_whom_nothing_can_prove_is_told_before(record: dict[str, Any], found_by: Fact | None, provable: bool) -> None:
    assert is_provable(facts(**record), found_by) is provable


def test_a_person_s_facts_are_those_of_now() -> None:
    roles = (Role("VP", Company(domain="acme.com"), current=True), Role("VP", Company(domain="old.com"), current=False))
    ada = Person(slug="Ada-Example", full_name="Ada Example", roles=roles, emails=(Email("ada@acme.com"),))
    expected = facts(
        full="Ada Example", emails=("ada@acme.com", "ada@home.org"), employers=("acme.com",), slug="ada-example"
    )
    assert facts_of(ada, "ada@home.org") == expected


def test_no_second_fact_outweighs_a_name_that_contradicts() -> None:
    shared: dict[str, Any] = {
        "emails": ("family@example.org",),
        "numbers": (MOBILE,),
        "employers": ("acme.com",),
        "slug": "the-family",
    }
    assert judge(facts(first="Otto", last="Example", **shared), facts(**ADA, **shared)) == Judgement(OTHER)


def test_a_search_needs_the_whole_name() -> None:
    at_acme: dict[str, Any] = {"employers": ("acme.com",)}
    assert judge(facts(**ADA, **at_acme), facts(**ADA, **at_acme), strict=True) == Judgement(SAME, Fact.EMPLOYER)
    assert judge(facts(last="Example", **at_acme), facts(**ADA, **at_acme), strict=True) == Judgement(OTHER)


@pytest.mark.parametrize(
    ("row", "found_by", "likely"),
    [
        ({"first": "Ada"}, Fact.SLUG, True),
        ({"first": "A."}, Fact.SLUG, True),
        ({"first": "Otto"}, Fact.SLUG, False),
        ({"last": "Example"}, Fact.SLUG, True),
        ({"last": "Other"}, Fact.SLUG, False),
        ({}, Fact.SLUG, False),
        ({}, Fact.EMAIL, True),
        ({"last": "Example", "emails": ("otto@acme.com",)}, Fact.SLUG, False),
        ({"slug": "otto"}, Fact.EMAIL, False),
    ],
)
def test_a_row_that_says_little_is_matched_where_it_agrees(row: dict[str, Any], found_by: Fact, likely: bool) -> None:
    delivered = facts(**ADA, emails=("ada@acme.com",), employers=("acme.com",), slug="ada")
    assert is_likely(facts(**row), delivered, found_by) is likely


@pytest.mark.parametrize(
    ("row", "found_by", "theirs"),
    [
        ({"last": "Example"}, Fact.SLUG, False),
        ({"last": "Example", "employers": ("acme.com",)}, Fact.SLUG, True),
        ({"last": "Other", "employers": ("acme.com",)}, Fact.SLUG, False),
        ({"employers": ("acme.com",)}, Fact.SLUG, False),
        ({"last": "Example", "employers": ("acme.com",), "emails": ("otto@acme.com",)}, Fact.SLUG, False),
        ({}, Fact.EMAIL, True),
    ],
)
def test_half_the_name_and_the_employer_tell_whose_a_row_is(row: dict[str, Any], found_by: Fact, theirs: bool) -> None:
    delivered = facts(**ADA, emails=("ada@acme.com",), employers=("acme.com",), slug="ada")
    assert is_theirs(facts(**row), delivered, found_by) is theirs


XIAOMING: dict[str, Any] = {"first": "小明", "last": "王"}  # who may well be called Kevin
SOMCHAI: dict[str, Any] = {"first": "สมชาย", "last": "ใจดี"}
SOKHA: dict[str, Any] = {"first": "សុខា", "last": "ចាន់"}  # letters that no scheme compares
KEVIN: dict[str, Any] = {"first": "Kevin", "last": "Muster"}
AT_ACME: dict[str, Any] = {"employers": ("acme.com",)}


@pytest.mark.parametrize("numbers", [OFFICE, SWITCHBOARD])
@pytest.mark.parametrize("name", [XIAOMING, SOKHA, {}])
def test_the_phone_of_an_office_proves_nobody_who_works_there(name: dict[str, Any], numbers: tuple[str, ...]) -> None:
    row = facts(**name, **AT_ACME, numbers=numbers)
    assert judge(row, facts(**KEVIN, **AT_ACME, numbers=numbers), found_by=Fact.PHONE) == Judgement(UNSAID)


def test_a_first_name_or_a_mobile_number_tells_who_answered() -> None:
    named = facts(first="Kevin", **AT_ACME, numbers=OFFICE)
    assert judge(named, facts(**KEVIN, **AT_ACME), found_by=Fact.PHONE) == Judgement(SAME, Fact.EMPLOYER)
    mobile = facts(**SOKHA, **AT_ACME, numbers=(MOBILE,))
    assert judge(mobile, facts(**KEVIN, **AT_ACME), found_by=Fact.PHONE) == Judgement(SAME, Fact.EMPLOYER)


def test_a_family_name_that_agrees_is_no_proof_where_the_given_names_cannot_be_compared() -> None:
    row = facts(**SOMCHAI, **AT_ACME)
    assert judge(row, facts(first="Kevin", last="Jaidee", **AT_ACME), found_by=Fact.SLUG) == Judgement(UNSAID)
    unread = facts(**SOKHA, **AT_ACME)
    assert judge(unread, facts(**KEVIN, **AT_ACME), found_by=Fact.SLUG) == Judgement(SAME, Fact.EMPLOYER)
    by_address = facts(first="Kevin", last="Jaidee", emails=("somchai@acme.com",))
    held = facts(**SOMCHAI, emails=("somchai@acme.com",))
    assert judge(held, by_address, found_by=Fact.SLUG) == Judgement(SAME, Fact.EMAIL)


@pytest.mark.parametrize("last", ["Al Zaabi", "Ben Cohen", "Van Dyke"])
def test_a_family_name_that_begins_like_a_given_name_is_half_a_name(last: str) -> None:
    assert judge(facts(last=last), facts(first="Fatima", last=last)) == Judgement(UNSAID)
