"""Reads an org's refusals: what the caller does next, and what became of each row."""

import json

import pytest

from connectors.errors import (
    AccessError,
    ConflictError,
    ConnectorError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.models import RefusalKind, Reply, Write, Written
from connectors.operations import Operation, Repeat
from connectors.salesforce.refusals import fault, faults, reading, row_result
from tests.unit.connectors.samples import sample

CALL = Operation("sobject.create", "POST", "/sobjects/{table}", Repeat.CREATES)


def body(code: str, message: str = "", *fields: str) -> bytes:
    return json.dumps([{"errorCode": code, "message": message, "fields": list(fields)}]).encode()


def error(status: int, content: bytes) -> ConnectorError | None:
    return reading("acme", 0.2).refusal(CALL, Reply(status, {}, content))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_FIELD", AccessError),
        (400, "MALFORMED_QUERY", AccessError),
        (400, "QUERY_TIMEOUT", UnavailableError),
        (400, "INVALID_QUERY_LOCATOR", UnavailableError),
        (400, "UNABLE_TO_LOCK_ROW", UnavailableError),
        (400, "DUPLICATES_DETECTED", ConflictError),
        (400, "DUPLICATE_VALUE", ConflictError),
        (404, "NOT_FOUND", NotFoundError),
        (404, "ENTITY_IS_DELETED", NotFoundError),
        (400, "STRING_TOO_LONG", RejectedError),
        (403, "REQUEST_LIMIT_EXCEEDED", RateLimitedError),
    ],
)
def test_each_code_means_what_the_caller_does_next(status: int, code: str, kind: type[ConnectorError]) -> None:
    assert type(error(status, body(code))) is kind


def test_several_matches_are_a_conflict_and_no_redirect() -> None:
    assert isinstance(error(300, b'["/services/data/v66.0/sobjects/Contact/003"]'), ConflictError)


def test_a_conflict_names_the_row_in_the_way_where_salesforce_does() -> None:
    for name in ("duplicate_value", "duplicates_detected"):
        conflict = error(400, json.dumps(sample("salesforce", name)).encode())
        assert isinstance(conflict, ConflictError)
        assert conflict.existing_id == "003xx000004TmiQAAS"


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b"[1]", b'"x"', b"null"])
def test_a_body_that_is_no_error_list_has_no_faults(content: bytes) -> None:
    assert faults(content) == ()


@pytest.mark.parametrize(
    ("code", "message", "fields", "outcome", "properties"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", (), Written.LOCKED, ()),
        ("ENTITY_IS_DELETED", "entity is deleted", (), Written.GONE, ()),
        ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (), Written.GONE, ()),
        ("INVALID_EMAIL_ADDRESS", "Email: invalid", ("Email",), Written.INVALID, ("Email",)),
        ("STRING_TOO_LONG", "Title: data value too large", (), Written.INVALID, ("Title",)),
        ("DUPLICATES_DETECTED", "Use one of these records?", (), Written.INVALID, ()),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No such luck", (), Written.INVALID, ()),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "no", (), Written.INVALID, ()),
        ("CANNOT_UPDATE_CONVERTED_LEAD", "no", (), Written.GONE, ()),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger: UNABLE to lock row", (), Written.LOCKED, ()),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "Sync: execution of AfterUpdate caused by: first error: UNABLE_TO_LOCK_ROW, unable to obtain it: []",
            (),
            Written.LOCKED,
            (),
        ),
        (
            "CANNOT_EXECUTE_FLOW_TRIGGER",
            "This error occurred when the flow tried to update records: UNABLE_TO_LOCK_ROW: unable to obtain it.",
            (),
            Written.LOCKED,
            (),
        ),
        ("INVALID_CROSS_REFERENCE_KEY", "Owner ID: id value of incorrect type", ("OwnerId",), Written.INVALID, ()),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", (), Written.UNKNOWN, ()),
        ("", "", (), Written.UNKNOWN, ()),
    ],
)
def test_each_row_error_has_an_outcome(
    code: str, message: str, fields: tuple[str, ...], outcome: Written, properties: tuple[str, ...]
) -> None:
    told = row_result(
        Write("1", {"Email": "x", "Title": "y"}),
        [fault({"statusCode": code, "message": message, "fields": list(fields)})],
    )
    assert (told.outcome, told.properties, told.code) == (outcome, properties, code)


@pytest.mark.parametrize(
    ("code", "fields", "kind"),
    [
        ("FIELD_INTEGRITY_EXCEPTION", ("OwnerId",), RefusalKind.RULE),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ("LeadSource",), RefusalKind.RULE),
        ("STRING_TOO_LONG", ("Description",), RefusalKind.RULE),
        ("INVALID_CROSS_REFERENCE_KEY", ("OwnerId",), RefusalKind.ROW),
        ("STRING_TOO_LONG", ("Title",), RefusalKind.VALUE),
        ("FIELD_INTEGRITY_EXCEPTION", (), RefusalKind.VALUE),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", ("OwnerId",), RefusalKind.ACCESS),
    ],
)
def test_a_word_on_a_field_of_others_is_none_on_a_value_of_ours(
    code: str, fields: tuple[str, ...], kind: RefusalKind
) -> None:
    told = row_result(Write("1", {"Title": "y"}), [fault({"statusCode": code, "message": "", "fields": list(fields)})])
    assert (told.outcome, told.kind) == (Written.INVALID, kind)


def test_of_several_errors_of_a_row_the_one_that_names_a_value_of_ours_is_told_of_it() -> None:
    rule = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "State the source.", "fields": ["Source__c"]}
    value = {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid", "fields": ["Email"]}
    told = row_result(Write("1", {"Email": "x", "Title": "y"}), [fault(rule), fault(value)])
    assert (told.properties, told.code, told.kind) == (("Email",), "INVALID_EMAIL_ADDRESS", RefusalKind.VALUE)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "QUERY_TOO_COMPLICATED", AccessError),
        (400, "INVALID_QUERY_FILTER_OPERATOR", AccessError),
        (400, "EXCEEDED_ID_LIMIT", UnavailableError),
        (400, "NEVER_HEARD_OF", AccessError),
        (404, "NOT_FOUND", AccessError),
        (405, "METHOD_NOT_ALLOWED", AccessError),
        (415, "UNSUPPORTED_MEDIA_TYPE", AccessError),
    ],
)
def test_a_question_that_the_org_does_not_take_is_no_records_fault(
    status: int, code: str, kind: type[ConnectorError]
) -> None:
    query = Operation("query", "GET", "/query", Repeat.SAFE)
    found = reading("acme", 0.2).refusal(query, Reply(status, {}, body(code)))
    assert type(found) is kind
    if kind is AccessError:
        assert "refill check" in str(found)


@pytest.mark.parametrize("code", ["INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"])
def test_a_right_to_one_row_that_our_user_lacks_stops_no_other(code: str) -> None:
    refused = error(403, body(code))
    assert isinstance(refused, RejectedError)
    assert refused.kind is RefusalKind.ACCESS


def test_a_trigger_that_met_a_lock_may_pass_a_moment_later() -> None:
    text = "Sync: execution of BeforeInsert caused by: first error: UNABLE_TO_LOCK_ROW, unable to obtain it: []"
    assert isinstance(error(400, body("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)), UnavailableError)


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_page_that_something_in_between_answers_with_blames_neither_row_nor_credential(status: int) -> None:
    page = Reply(status, {"content-type": "text/html; charset=utf-8"}, b"<html>Request blocked</html>")
    found = reading("acme", 0.2).refusal(CALL, page)
    assert isinstance(found, RateLimitedError)
    assert (found.retry_after_s, found.code) == (60.0, "PAGE")


def test_usage_is_noticed_once_our_share_runs_low() -> None:
    notices = reading("acme", 0.2).notices
    assert notices(CALL, Reply(200, {"sforce-limit-info": "api-usage=18/5000"}, b"")) == {}
    near = notices(CALL, Reply(403, {"sforce-limit-info": "api-usage=3990/5000; per-app-api-usage=1/2(x=y)"}, b""))
    assert near[""].remaining == 10
    over = notices(CALL, Reply(200, {"sforce-limit-info": "api-usage=4800/5000"}, b""))
    assert over[""].remaining == 0


def test_row_in_the_way_is_named_by_its_long_id_however_the_org_spells_it() -> None:
    text = "duplicate value found: OpenProspect_Id__c duplicates value on record with id: 0035g0000000014"
    (told,) = faults(json.dumps([{"errorCode": "DUPLICATE_VALUE", "message": text}]).encode())
    assert told.existing == (("contact", "0035g0000000014AAA"),)


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
def test_an_error_names_fields_listed_spelled_by_a_trigger_or_by_the_other_name_of_a_place(
    told: dict[str, object], fields: tuple[str, ...]
) -> None:
    assert fault({"errorCode": "X", **told}).fields == fields
