import pytest

from connectors.models import Write
from connectors.ports import Watched
from connectors.salesforce import records
from connectors.salesforce.records import Describe, RawField

DESCRIBE = Describe.model_validate(
    {
        "fields": [
            {"name": "Email", "type": "email", "length": 80, "updateable": True, "filterable": True},
            {"name": "Title", "type": "string", "length": 128, "updateable": True, "filterable": True},
            {"name": "Notes__c", "type": "textarea", "length": 32000, "updateable": True, "filterable": False},
            {"name": "NumberOfEmployees", "type": "int", "updateable": True},
            {"name": "HasOptedOutOfEmail", "type": "boolean", "updateable": True},
            {"name": "AccountId", "type": "reference", "length": 18, "updateable": True},
            {
                "name": "Industry",
                "type": "picklist",
                "restrictedPicklist": True,
                "updateable": True,
                "picklistValues": [{"value": "Software", "active": True}, {"value": "Fax", "active": False}],
            },
            {"name": "LeadSource", "type": "picklist", "picklistValues": [{"value": "Web", "active": True}]},
            {"name": "OpenProspect_Id__c", "type": "string", "length": 80, "externalId": True, "unique": True},
        ]
    }
)


def test_describe_tells_kind_length_options_and_uniqueness() -> None:
    schema = records.to_schema(DESCRIBE)
    kinds = {name: p.kind for name, p in schema.properties.items()}
    assert kinds["Email"] == "email"
    assert kinds["Industry"] == "options"
    assert kinds["LeadSource"] == "text"  # not restricted: any text is taken
    assert schema.properties["Industry"].options == frozenset({"Software"})
    assert schema.properties["Title"].length == 128
    assert schema.properties["OpenProspect_Id__c"].unique
    assert not schema.properties["OpenProspect_Id__c"].writable
    assert "Notes__c" not in schema.filterable


def test_hidden_fields_of_ours_are_not_asked_for() -> None:
    asked = records.asked_for(Watched("contact", ("Email", "Title")), records.to_schema(DESCRIBE))
    assert "HasOptedOutOfEmail" in asked
    assert "DoNotCall" not in asked
    assert {"Account.Name", "Account.Website", "AccountId"} <= set(asked)
    assert len(asked) == len(set(asked))


def test_a_contact_carries_its_account() -> None:
    raw = {
        "attributes": {"type": "Contact"},
        "Id": "003000000000001AAA",
        "Email": None,
        "SystemModstamp": "2026-11-20T10:00:05.000+0000",
        "LastModifiedById": "005000000000001AAA",
        "HasOptedOutOfEmail": True,
        "DoNotCall": False,
        "AccountId": "001000000000001AAA",
        "Account": {"attributes": {}, "Name": "Acme", "Website": "http://www.acme.com/x"},
    }
    asked = ("Id", "Email", "HasOptedOutOfEmail", "Account.Name", "Account.Website")
    record = records.to_record("contact", raw, asked, 7)
    told = (record.company_id, record.company_name, record.company_domain)
    assert told == ("001000000000001AAA", "Acme", "http://www.acme.com/x")
    assert (record.opted_out, record.do_not_call, record.modified) == (True, False, 1795168805000)
    account = {"Account.Name": "Acme", "Account.Website": "http://www.acme.com/x"}  # a selection may name them
    assert record.values == {"Id": "003000000000001AAA", "Email": None, "HasOptedOutOfEmail": "true", **account}


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


def test_a_body_holds_typed_values() -> None:
    schema = records.to_schema(DESCRIBE)
    assert records.body_of(Write("1", {"Title": "CEO", "NumberOfEmployees": "50"}), schema) == {
        "Title": "CEO",
        "NumberOfEmployees": 50,
    }


def test_a_field_without_details_reads_as_text() -> None:
    assert records.to_schema(Describe(fields=[RawField(name="X")])).properties["X"].kind == "text"
