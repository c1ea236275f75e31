"""Writes values of an answer by grade, employer and kind."""

from __future__ import annotations

import pytest

from connectors.models import Email, Grade, Person, Phone, PhoneKind, Role
from tests.unit.decide.scene import (
    ACME,
    ADA,
    AT_ACME,
    BERLIN,
    ELSEWHERE,
    KASPR_FIRST,
    MOBILE,
    US,
    at,
    emails,
    hit,
    kaspr,
    phones,
    policy,
    proved,
    rule,
    visit,
    with_slug,
)
from worker.decide.reasons import Reason


@pytest.mark.parametrize(
    ("grade", "accept", "taken"),
    [
        (Grade.VALID, {Grade.VALID}, True),
        (Grade.UNVERIFIED, {Grade.VALID}, False),
        (Grade.RISKY, {Grade.VALID, Grade.RISKY}, True),
        (Grade.INVALID, set(Grade), False),
    ],
)
def test_an_address_is_taken_by_its_grade(grade: Grade, accept: set[Grade], taken: bool) -> None:
    rules = policy(rule("work_email", ("forager",), accept=frozenset(accept)))
    seen = visit(with_slug(), rules, proved({"work_emails": emails("ada@acme.com", grade=grade)}))
    assert bool(seen.values) is taken
    if taken:
        assert seen.decision.changes[0].grade is grade
    else:
        assert seen.decision.unfilled == {"work_email": Reason.BELOW_GRADE}


def test_the_best_grade_of_an_answer_is_taken_first_and_the_company_s_own_domain_before_others() -> None:
    accept = frozenset({Grade.VALID, Grade.RISKY})
    offered = emails(
        Email("risky@acme.com", Grade.RISKY, "work"),
        Email("old@elsewhere.com", Grade.VALID, "work"),
        Email("ada@acme.com", Grade.VALID, "work"),
    )
    rules = policy(rule("work_email", accept=accept), allow_employer_changed=True)
    assert visit(with_slug(**AT_ACME), rules, proved({"work_emails": offered})).values == {"work_email": "ada@acme.com"}


@pytest.mark.parametrize(
    ("address", "settings", "row", "filled"),
    [
        ("ada@elsewhere.com", {}, AT_ACME, False),
        ("ada@elsewhere.com", {"allow_employer_changed": True}, AT_ACME, True),
        ("ada@mail.acme.com", {}, AT_ACME, True),
        ("ada@elsewhere.com", {}, {}, True),
    ],
)
def test_a_work_address_off_the_company_domain_is_held_back(
    address: str, settings: dict[str, bool], row: dict[str, str], filled: bool
) -> None:
    rules = policy(rule("work_email", ("forager",)), **settings)
    seen = visit(with_slug(**row), rules, proved({"work_emails": emails(address)}))
    assert bool(seen.values) is filled
    assert filled or seen.decision.unfilled == {"work_email": Reason.EMPLOYER_CHANGED}


def test_the_title_at_another_employer_is_held_back_and_the_place_is_not() -> None:
    moved = Person(
        "1", "ada-example", "Ada Example", "Ada", "Example", city="Paris", roles=(Role("CEO", ELSEWHERE, current=True),)
    )
    rules = policy(rule("job_title", ("forager",)), rule("city", ("forager",)), rule("company_name", ("forager",)))
    seen = visit(with_slug(**AT_ACME), rules, {"detail": hit(moved)})
    assert seen.values == {"city": "Paris"}
    assert seen.decision.unfilled == {"job_title": Reason.EMPLOYER_CHANGED, "company_name": Reason.EMPLOYER_CHANGED}


def test_of_several_current_roles_the_one_at_the_records_company_counts() -> None:
    roles = (Role("Advisor", ELSEWHERE, current=True), Role("VP", ACME, current=True), Role("X", ACME, current=False))
    rules = policy(rule("job_title"), rule("company_domain"), rule("company_name"))
    seen = visit(with_slug(**AT_ACME), rules, {"detail": hit(at(ADA, *roles))})
    assert seen.values == {"job_title": "VP", "company_domain": "acme.com", "company_name": "Acme GmbH"}
    unknown = visit(with_slug(), rules, {"detail": hit(at(ADA, *roles))})
    assert unknown.values["job_title"] == "Advisor"


def test_a_title_without_a_role_and_names_are_taken_from_the_person() -> None:
    row = with_slug(lastname="", firstname="")
    wanted = (rule("job_title"), rule("first_name"), rule("last_name"), rule("country"))
    rules = policy(*wanted, verify_person=False)
    bare = Person(slug="ada-example", full_name="Ada Example", title="VP", country="Germany")
    assert visit(row, rules, {"detail": hit(bare)}).values == {
        "job_title": "VP", "first_name": "Ada", "last_name": "Example", "country": "Germany",
    }  # fmt: skip


def test_work_and_personal_addresses_are_told_apart() -> None:
    rules = policy(
        rule("work_email", ("kaspr",), accept=frozenset(Grade)),
        rule("personal_email", ("kaspr",), accept=frozenset(Grade)),
    )
    offered = kaspr(emails=(Email("ada@gmail.com"), Email("ada@acme.com"), Email("ada@home-quist.de", kind="personal")))
    assert visit(with_slug(), rules, {"profile": offered}).values == {
        "work_email": "ada@acme.com",
        "personal_email": "ada@gmail.com",
    }
    only = kaspr(emails=(Email("ada@gmail.com", kind="work"), Email("ada@home-quist.de", kind="personal")))
    seen = visit(with_slug(), rules, {"profile": only})
    assert (seen.values, seen.decision.dropped) == ({"personal_email": "ada@home-quist.de"}, {"wrong_kind": 3})


def test_masked_and_broken_values_do_not_exist() -> None:
    rules = policy(rule("work_email", ("kaspr",), accept=frozenset(Grade)), rule("phone", ("kaspr",)))
    offered = kaspr(
        emails=(Email("a***@acme.com"), Email("ada@")),
        phones=(Phone("+49 *** 1"), Phone("ask reception"), Phone("+4912")),
    )
    seen = visit(with_slug(), rules, {"profile": offered})
    assert (seen.values, seen.decision.dropped) == ({}, {"invalid_value": 3, "masked": 2})
    assert set(seen.decision.unfilled.values()) == {Reason.INVALID_VALUE}


def test_a_masked_title_is_not_written_and_one_a_spreadsheet_would_run_neither() -> None:
    rules = policy(rule("job_title", ("forager",)))
    masked = visit(with_slug(), rules, {"detail": hit(at(ADA, Role("V* Sales", ACME, current=True)))})
    assert (masked.values, masked.decision.dropped) == ({}, {"masked": 1})
    formula = visit(with_slug(), rules, {"detail": hit(at(ADA, Role("=1+1", ACME, current=True)))})
    assert formula.decision.unfilled == {"job_title": Reason.INVALID_VALUE}


def test_a_mobile_field_takes_no_fixed_line_and_a_phone_field_takes_any() -> None:
    rules = policy(rule("mobile_phone", ("forager",)), rule("phone", ("forager",)))
    seen = visit(with_slug(), rules, proved({"phones": phones(BERLIN)}))
    assert (seen.values, seen.decision.unfilled) == ({"phone": BERLIN}, {"mobile_phone": Reason.NOT_FOUND})


def test_two_numbers_go_to_two_fields_and_the_fixed_one_to_the_phone() -> None:
    rules = policy(rule("phone", ("forager",)), rule("mobile_phone", ("forager",)))
    offered = hit(Person(phones=(Phone(US), Phone("+14155552672", PhoneKind.FIXED))))
    assert visit(with_slug(), rules, proved({"phones": offered})).values == {
        "mobile_phone": US,
        "phone": "+14155552672",
    }


def test_one_number_goes_to_both_fields_only_if_there_is_no_other() -> None:
    rules = policy(rule("phone", KASPR_FIRST), rule("mobile_phone", KASPR_FIRST))
    only = visit(with_slug(), rules, {"profile": kaspr(phones=(Phone(MOBILE),))})
    assert (only.values, only.operations) == ({"phone": MOBILE, "mobile_phone": MOBILE}, ["profile"])
    held = visit(with_slug(mobilephone=MOBILE), rules, {"profile": kaspr(phones=(Phone(MOBILE), Phone(BERLIN)))})
    assert held.values == {"phone": BERLIN}
    alone = visit(with_slug(mobilephone=MOBILE), rules, {"profile": kaspr(phones=(Phone(MOBILE),))})
    assert alone.values == {"phone": MOBILE}
    other_way = visit(with_slug(phone=MOBILE), rules, {"profile": kaspr(phones=(Phone(MOBILE),))})
    assert other_way.values == {"mobile_phone": MOBILE}


def test_a_number_without_plus_is_read_in_the_persons_country_then_the_records_then_the_default() -> None:
    rules = policy(rule("phone", ("kaspr",)), default_region="US")
    local = Phone("030 23123456")
    assert visit(with_slug(country="FR"), rules, {"profile": kaspr(phones=(local,), country="Germany")}).values == {
        "phone": BERLIN
    }
    assert visit(with_slug(country="Germany"), rules, {"profile": kaspr(phones=(local,))}).values == {"phone": BERLIN}
    assert visit(with_slug(), rules, {"profile": kaspr(phones=(Phone("(415) 555-2671"),))}).values == {"phone": US}
