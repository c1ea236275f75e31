"""Fits a value into the CRM's property, in its form, or drops it with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Property
from tests.unit.decide.scene import text
from worker.decide.fitting import Invalid, fit

INDUSTRIES = {
    "kind": "options",
    "options": frozenset({"COMPUTER_SOFTWARE", "Retail", "17"}),
    "labels": {"17": "Mining & Metals"},
}
COUNTRIES = {"kind": "options", "options": frozenset({"DE", "US", "GB"}), "labels": {"GB": "United Kingdom"}}


@pytest.mark.parametrize(
    ("value", "field", "settings", "fitted"),
    [
        ("VP  Sales", "job_title", {}, "VP Sales"),
        ("Vice President Sales", "job_title", {"length": 15}, "Vice President"),
        ("ada@Example.com", "work_email", {"kind": "email"}, "ada@example.com"),
        ("ada@Example.com", "work_email", {}, "ada@example.com"),
        ("+493023123456", "phone", {"length": 40}, "+493023123456"),
        ("acme.com", "website", {"kind": "url"}, "https://acme.com"),
        ("https://acme.com/x", "website", {"kind": "url"}, "https://acme.com/x"),
        ("140", "employee_count", {"kind": "number"}, "140"),
        ("-1.5", "employee_count", {"kind": "number"}, "-1.5"),
        ("Yes", "description", {"kind": "bool"}, "true"),
        ("0", "description", {"kind": "bool"}, "false"),
        ("Retail", "industry", INDUSTRIES, "Retail"),
        ("retail", "industry", INDUSTRIES, "Retail"),
        ("Computer Software", "industry", INDUSTRIES, "COMPUTER_SOFTWARE"),
        ("mining & metals", "industry", INDUSTRIES, "17"),
        ("Germany", "country", COUNTRIES, "DE"),
        ("England", "country", COUNTRIES, "GB"),
    ],
)
def test_a_value_is_given_in_the_propertys_form(value: str, field: str, settings: dict[str, Any], fitted: str) -> None:
    assert fit(value, field, text("p", **settings)) == fitted


@pytest.mark.parametrize(
    ("value", "field", "settings", "reason"),
    [
        ("VP Sales", "job_title", {"writable": False}, "read_only"),
        (" ", "job_title", {}, "blank"),
        ("a***@example.com", "work_email", {}, "masked"),
        ("V* Sales", "job_title", {}, "masked"),
        ("=HYPERLINK(1)", "job_title", {}, "formula"),
        ("+1 bonus", "job_title", {}, "formula"),
        ("-Sales", "city", {}, "formula"),
        ("@sales", "job_title", {}, "formula"),
        ("ada@", "work_email", {}, "email"),
        ("ada", "description", {"kind": "email"}, "email"),
        ("ask reception", "phone", {}, "phone"),
        ("030 23123456", "phone", {}, "phone"),
        ("not a url", "website", {"kind": "url"}, "url"),
        ("many", "employee_count", {"kind": "number"}, "number"),
        ("perhaps", "description", {"kind": "bool"}, "bool"),
        ("2010", "founded_year", {"kind": "date"}, "date"),
        ("Farming", "industry", INDUSTRIES, "option"),
        ("Atlantis", "country", COUNTRIES, "option"),
        ("ada.example@a-very-long-host-name.example.com", "work_email", {"length": 20}, "too_long"),
        ("https://acme.com/long", "website", {"length": 10, "kind": "url"}, "too_long"),
        ("Llanfairpwllgwyngyll", "city", {"length": 5}, "too_long"),
    ],
)
def test_a_misfit_is_dropped_with_a_reason(value: str, field: str, settings: dict[str, Any], reason: str) -> None:
    assert fit(value, field, text("p", **settings)) == Invalid(reason)


def test_an_option_that_two_values_could_mean_is_none() -> None:
    twofold = Property("p", "options", writable=True, options=frozenset({"a-b", "a b"}))
    assert fit("AB", "industry", twofold) == Invalid("option")


@given(st.text(max_size=50), st.sampled_from(["job_title", "city", "phone", "work_email"]), st.integers(0, 20))
def test_what_fits_is_short_enough_unmasked_and_fits_again(value: str, field: str, length: int) -> None:
    described = text("p", length)
    fitted = fit(value, field, described)
    if isinstance(fitted, str):
        assert not length or len(fitted) <= length
        assert "*" not in fitted
        assert fitted[0] not in "=-@\t\r"
        assert fit(fitted, field, described) == fitted
