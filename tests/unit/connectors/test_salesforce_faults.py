"""An org's error names fields: listed, spelled by a trigger, or by the other name of a state or country."""

from __future__ import annotations

import pytest

from connectors.salesforce.refusals import fault


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        ({"fields": ["Title"]}, ("Title",)),
        ({"fields": ["MailingCountryCode"]}, ("MailingCountryCode", "MailingCountry")),
        ({"fields": ["BillingState"]}, ("BillingState", "BillingStateCode")),
        (
            {"fields": [], "message": "first error: X, no such country: [BillingCountry]: Class.Y"},
            ("BillingCountry", "BillingCountryCode"),
        ),
        ({"fields": [], "message": "first error: X, twice wrong: [Title, Phone]"}, ("Title", "Phone")),
        ({"fields": ["Email"], "message": "no: [Title]"}, ("Email",)),
        ({"fields": [], "message": "see [our rules] first"}, ()),
        ({"fields": None, "message": None}, ()),
    ],
)
def test_fields_at_fault(told: dict[str, object], fields: tuple[str, ...]) -> None:
    assert fault({"errorCode": "X", **told}).fields == fields
