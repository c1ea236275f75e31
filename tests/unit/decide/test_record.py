"""Shows the rules a record through a view, and remembers it by a fingerprint."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.models import Grade, Identity, Record
from tests.unit.decide.scene import IDENTITY, RULES, policy, record, rule, with_slug
from worker.decide.gate import facts
from worker.decide.kept import OurValue
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.reasons import Reason, Skip
from worker.decide.record import fingerprint, look, look_after, with_values
from worker.decide.values.fields import value_hash

ROLE_AND_OWN = policy(rule("work_email"), rule("personal_email"))


def test_identity_is_read_in_one_spelling() -> None:
    row = record(
        {
            "hs_linkedin_url": "https://de.linkedin.com/in/Ada-Example/en", "email": "Ada@ACME.com",
            "mobilephone": "01512 3456789", "phone": "030 23123456", "country": "Deutschland",
            "website": "https://www.acme.co.uk/",
        }
    )  # fmt: skip
    view = look(row, policy())
    assert view.identity == Identity("ada-example", "ada@acme.com", "+4915123456789", "Ada", "Example", "acme.co.uk")
    assert view.numbers == {"mobile_phone": "+4915123456789", "phone": "+493023123456"}
    assert view.domains == ("acme.co.uk", "acme.com")
    assert view.facts == facts(
        first="Ada", last="Example", emails=("ada@acme.com",), numbers=("+4915123456789",), employers=("acme.co.uk",),
        slug="ada-example",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "linked", "domain"),
    [
        ({"website": "https://acme.com", "email": "ada@other.com"}, "linked.com", "acme.com"),
        ({"email": "ada@other.com"}, "linked.com", "linked.com"),
        ({"email": "ada@other.com"}, "", "other.com"),
        ({"email": "info@other.com"}, "", "other.com"),
        ({"email": "ada@gmail.com"}, "linked.com", "linked.com"),
        ({"email": "ada@gmail.com"}, "", ""),
        ({"website": "https://www.linkedin.com/company/acme"}, "", ""),
        ({}, "https://www.amazon.de/stores/acme", ""),
        ({}, "https://www.linked.com/about", "linked.com"),
        ({"website": "tbd"}, "linked.com", "linked.com"),
    ],
)
def test_the_company_domain_is_its_own_property_else_the_linked_company_s_else_the_address_s(
    values: dict[str, str], linked: str, domain: str
) -> None:
    assert look(record(values, company_domain=linked), policy()).identity.domain == domain


def test_an_address_of_a_role_finds_nobody_and_tells_the_employer() -> None:
    view = look(record({"email": "info@acme.com", "personal_email": "ada@home-of-ada.org"}), ROLE_AND_OWN)
    assert (view.identity.email, view.domains) == ("ada@home-of-ada.org", ("acme.com",))
    assert view.facts.emails == {"ada@home-of-ada.org"}


def test_a_personal_address_is_identity_but_says_nothing_about_the_employer() -> None:
    rules = policy(rule("personal_email"))
    view = look(record({"personal_email": "ada@example-family.com"}), rules)
    assert (view.identity.email, view.identity.domain) == ("ada@example-family.com", "")


def test_a_placeholder_for_a_name_is_no_name() -> None:
    view = look(record({"lastname": "[not provided]", "firstname": "-"}), policy())
    assert (view.identity.first_name, view.identity.last_name) == ("", "")


def test_a_slot_may_be_named_by_the_canonical_field() -> None:
    rules = dataclasses.replace(policy(), identity={"work_email": "Email", "company_domain": "Website"})
    row = Record("lead", "1", {"Email": "ada@acme.com", "Website": "acme.com"})
    assert look(row, rules).identity == Identity(email="ada@acme.com", domain="acme.com")


def test_a_gap_is_null_absent_or_empty() -> None:
    view = look(record({"email": None, "phone": " ", "mobilephone": "+4915123456789"}), policy())
    assert view.gaps == view.blank == ("work_email", "phone", "job_title")


@pytest.mark.parametrize(
    ("write", "value", "ours", "is_open"),
    [
        (WriteRule.IF_BLANK, "", False, True),
        (WriteRule.IF_BLANK, "CEO", True, False),
        (WriteRule.IF_OURS, "", False, True),
        (WriteRule.IF_OURS, "CEO ", True, True),
        (WriteRule.IF_OURS, "CEO", False, False),
        (WriteRule.NEVER, "", False, False),
        (WriteRule.ALWAYS, "CEO", False, True),
    ],
)
def test_a_field_is_open_as_its_write_rule_says(write: WriteRule, value: str, ours: bool, is_open: bool) -> None:
    own = {"job_title": OurValue(value_hash("job_title", "CEO"))} if ours else {}
    view = look(record({"jobtitle": value}), policy(rule("job_title", write=write)), own)
    assert bool(view.gaps) is is_open


def test_a_value_of_ours_that_a_person_cleared_is_refused_and_the_caller_is_told_once() -> None:
    ours = value_hash("job_title", "CEO")
    rules = policy(rule("job_title"))
    view = look(record(), rules, {"job_title": OurValue(ours)})
    assert (view.gaps, view.closed, view.refused) == ((), {"job_title": Reason.REFUSED}, ("job_title",))
    remembered = look(record(), rules, {"job_title": OurValue(ours, refused=True)})
    assert (remembered.gaps, remembered.closed, remembered.refused) == ((), {"job_title": Reason.REFUSED}, ())


def test_a_refused_field_is_not_written_again_even_where_its_rule_is_always() -> None:
    rules = policy(rule("job_title", write=WriteRule.ALWAYS))
    assert look(record({"jobtitle": "CEO"}), rules, {"job_title": OurValue("x", refused=True)}).gaps == ()


def test_do_not_call_closes_phone_gaps_only() -> None:
    view = look(record(do_not_call=True), policy())
    assert view.gaps == ("work_email", "job_title")
    assert view.closed == {"phone": Reason.OPTED_OUT, "mobile_phone": Reason.OPTED_OUT}


@pytest.mark.parametrize(
    ("settings", "row", "suppressed", "skip"),
    [
        ({}, {}, True, Skip.SUPPRESSED),
        ({}, {"opted_out": True}, False, Skip.OPTED_OUT),
        ({"opt_out": {"stage": ("Other",)}}, {}, False, Skip.OPTED_OUT),
        ({"opt_out": {"optout": ("no", "true")}}, {}, False, Skip.OPTED_OUT),
        ({"opt_out": {"basis": ("",)}}, {}, False, Skip.OPTED_OUT),
        ({"opt_out": {"basis": ("none",), "stage": ("lead",)}}, {}, False, None),
        ({"where": {"stage": ("lead", "opportunity")}}, {}, False, Skip.WHERE),
        ({"skip_if": {"optout": "true"}}, {}, False, Skip.SKIP_IF),
        ({"mode": "observe"}, {}, False, Skip.OBSERVE),
        ({"mode": "review"}, {}, False, None),
    ],
)
def test_a_whole_record_is_left_alone_for_a_reason(
    settings: dict[str, Any], row: dict[str, Any], suppressed: bool, skip: Skip | None
) -> None:
    view = look(record({"stage": "other", "optout": "True"}, suppressed=suppressed, **row), policy(**settings))
    assert view.skip is skip
    assert bool(view.gaps) is (skip in {None, Skip.OBSERVE})
    named = {Skip.SUPPRESSED: {Reason.SUPPRESSED}, Skip.OPTED_OUT: {Reason.OPTED_OUT}}
    assert set(view.closed.values()) == (named.get(skip, set()) if skip else set())


def test_one_of_several_choices_says_no() -> None:
    rules = policy(opt_out={"basis": ("Not applicable",)})
    assert look(record({"basis": "Legitimate interest;Not applicable"}), rules).skip is Skip.OPTED_OUT
    assert look(record({"basis": "Legitimate interest;Contract"}), rules).skip is None
    assert "basis" in rules.properties


def test_where_and_skip_if_compare_without_case() -> None:
    rules = policy(where={"stage": ("Lead",)}, skip_if={"optout": "true"})
    assert look(record({"stage": "lead", "optout": "false"}), rules).skip is None


def test_every_property_a_visit_must_read_is_named_once() -> None:
    rules = policy(where={"stage": ("lead",)}, skip_if={"optout": "true"})
    assert rules.properties == tuple(sorted({*IDENTITY.values(), *(one.property for one in RULES), "stage", "optout"}))
    assert rules.rule("city") is None
    assert rules.providers == {"forager", "kaspr"}


CHANGES: tuple[dict[str, Any], ...] = (
    {"mode": "review"},
    {"verify_person": False},
    {"allow_employer_changed": True},
    {"default_region": "DE"},
    {"rules": RULES[:3]},
    {"rules": (replace(RULES[0], providers=("kaspr",)), *RULES[1:])},
    {"rules": (replace(RULES[0], accept=frozenset({Grade.RISKY})), *RULES[1:])},
    {"rules": (replace(RULES[0], max_credits=3), *RULES[1:])},
    {"rules": (replace(RULES[0], ordered=False), *RULES[1:])},
    {"rules": (replace(RULES[0], write=WriteRule.NEVER), *RULES[1:])},
    {"identity": {}},
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_decides_opens_settled_records_again(change: dict[str, Any]) -> None:
    changed = dataclasses.replace(policy(), **change)
    assert changed.digest != policy().digest
    view = look(with_slug(), policy())
    assert fingerprint(view, changed) != fingerprint(view, policy())


def test_selection_and_recheck_time_open_nothing_again() -> None:
    assert policy(where={"a": ("b",)}, skip_if={"c": "d"}, recheck_ms=1).digest == policy().digest


@given(st.permutations(list(IDENTITY.items())), st.permutations(["firstname", "lastname", "hs_linkedin_url", "email"]))
def test_a_fingerprint_does_not_depend_on_the_order_of_anything(slots: list[tuple[str, str]], names: list[str]) -> None:
    values = {
        "firstname": "Ada", "lastname": "Example", "hs_linkedin_url": "linkedin.com/in/ada", "email": "a@acme.com",
    }  # fmt: skip
    shuffled = dataclasses.replace(policy(), identity=dict(slots))
    row = Record("contact", "1", {name: values[name] for name in names})
    expected = fingerprint(look(Record("contact", "1", values), policy()), policy())
    assert fingerprint(look(row, shuffled), shuffled) == expected
    assert len(expected) <= 12


def test_a_fingerprint_moves_with_identity_and_gaps_and_with_nothing_else() -> None:
    before = fingerprint(look(with_slug(), policy()), policy())
    assert fingerprint(look(with_slug(jobtitle="CEO"), policy()), policy()) != before
    assert fingerprint(look(with_slug("bob-other"), policy()), policy()) != before
    assert (
        fingerprint(look(record({"hs_linkedin_url": "linkedin.com/in/ADA-Example?x=1"}), policy()), policy()) == before
    )
    assert fingerprint(look(with_slug(hobby="chess"), policy()), policy()) == before
    held = with_slug(mobilephone="+4915123456789", phone="+493023123456")
    other = with_slug(mobilephone="+4915123456789", phone="+4915123456780")  # one more number may prove the person
    assert fingerprint(look(other, policy()), policy()) != fingerprint(look(held, policy()), policy())


def test_a_record_reads_as_written_before_it_is_read_again() -> None:
    written = with_values(with_slug(), {"jobtitle": "CEO"})
    assert look(written, policy()) == look(with_slug(jobtitle="CEO"), policy())


def test_a_record_is_read_once_more_after_its_visit_only_while_something_is_open() -> None:
    rules, row = policy(rule("work_email"), rule("job_title")), with_slug(jobtitle="", email="")
    before = look(row, rules)
    some, whole = with_values(row, {"email": "ada@acme.com"}), {"email": "ada@acme.com", "jobtitle": "CEO"}
    assert look_after(some, rules, {}, before) == look(some, rules)
    after = look_after(with_values(row, whole), rules, {}, before)
    assert (after.gaps, after.blank, after.said) == ((), (), before.said)
    cleared = look(with_values(row, whole | {"jobtitle": ""}), rules)
    assert fingerprint(after, rules) != fingerprint(cleared, rules)  # a value that is cleared is news


def test_a_rule_without_settings_fills_blanks_with_valid_values() -> None:
    assert FieldRule("city", "city") == FieldRule(
        "city", "city", (), WriteRule.IF_BLANK, frozenset({Grade.VALID}), None
    )
    assert Policy("c", "contact").properties == ()


LISTED = ("N/A", "-", "unbekannt")


def test_a_listed_placeholder_is_a_gap_and_no_identity_and_others_are_values() -> None:
    values = {"jobtitle": " n/a ", "phone": "-", "mobilephone": "none", "firstname": "Unbekannt", "country": "N/A"}
    rules = policy(rule("job_title"), rule("phone"), rule("mobile_phone"), blank_values=LISTED)
    view = look(record(values), rules)
    assert view.gaps == view.blank == ("job_title", "phone")
    assert (view.held, view.identity.first_name) == ({"mobile_phone": "none"}, "")
    assert look(record(values), dataclasses.replace(rules, blank_values=())).gaps == ()


def test_a_value_of_ours_that_a_person_replaced_by_a_listed_placeholder_was_refused() -> None:
    rules = policy(rule("job_title"), blank_values=LISTED)
    ours = {"job_title": OurValue(value_hash("job_title", "CEO"))}
    view = look(record({"jobtitle": "N/A"}), rules, ours)
    assert (view.gaps, view.refused) == ((), ("job_title",))
    assert view.closed == {"job_title": Reason.REFUSED}


def test_the_list_of_blank_values_is_policy() -> None:
    listed = policy(blank_values=LISTED)
    assert listed.digest == policy(blank_values=tuple(reversed(LISTED))).digest
    assert listed.digest != policy().digest


def test_role_addresses_hotlines_and_dummies_on_the_record_are_nobodys_identity() -> None:
    values = {
        "email": "info@acme.com", "work_email": "ada@acme.com", "mobilephone": "555-555-5555", "phone": "030 23123456",
    }  # fmt: skip
    row = record(values | {"country": "DE"})
    view = look(row, dataclasses.replace(policy(), identity={**IDENTITY, "work_email": "work_email"}))
    assert (view.identity.email, view.identity.phone) == ("ada@acme.com", "+493023123456")
    assert look(record({"email": "test@test.com", "phone": "+1 800 555 1299"}), policy()).identity == Identity(
        "", "", "", "Ada", "Example", ""
    )
