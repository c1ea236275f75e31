"""Reads an org's rows and fields, and writes values as a field wants them."""

import pytest

from connectors.salesforce import records
from connectors.salesforce.records import Describe, RawField


def test_a_contact_without_account_has_no_company() -> None:
    record = records.to_record("contact", {"Id": "003", "Account": None, "AccountId": None}, ("Id",), 7)
    assert (record.company_id, record.company_name, record.company_domain) == ("", "", "")


@pytest.mark.parametrize(
    ("value", "kind", "sent"),
    [
        ("12", "number", 12),
        ("1.5", "number", 1.5),
        ("many", "number", "many"),
        ("true", "bool", True),
        ("", "text", None),
    ],
)
def test_texts_are_sent_as_the_field_wants_them(value: str, kind: str, sent: object) -> None:
    assert records.typed(value, kind) == sent


def test_a_field_without_details_reads_as_text() -> None:
    assert records.to_schema(Describe(fields=[RawField(name="X")])).properties["X"].kind == "text"
