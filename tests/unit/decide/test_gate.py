"""The right person, or nothing: what the name decides, and what has to agree where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from worker.decide.gate import Fact, Judgement, Verdict, facts, judge

ADA: dict[str, Any] = {"first": "Ada", "last": "Example", "full": "Ada Example"}
SAME, OTHER, UNSAID = Verdict.SAME, Verdict.OTHER, Verdict.UNSAID
MOBILE, BERLIN = "+4915123456789", "+493023123456"


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
def test_a_full_name_decides_and_half_a_name_does_not(
    record: dict[str, Any], found: dict[str, Any], verdict: Verdict
) -> None:
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
@pytest.mark.parametrize("name", [{}, {"first": "Ada"}, {"last": "Example"}])
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
