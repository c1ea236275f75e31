"""Reads a portal's refusals: whom they blame, which properties they name, how long they ask to wait."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.errors import AccessError, ConflictError, RateLimitedError, RejectedError
from connectors.hubspot.operations import calls
from connectors.hubspot.refusals import pause, reading, refusal
from connectors.models import RefusalKind, Reply
from connectors.operations import Operation, Repeat
from connectors.replies import failure
from tests.unit.connectors.samples import sample

CALL = Operation("contacts.create", "POST", "/crm/v3/objects/contacts", Repeat.CREATES)
UPDATE = calls("2026-09")["contact"].write


def reply(status: int, body: Any, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("name", "properties", "codes"),
    [
        ("refused_json_in_message", ("email",), ("INVALID_EMAIL",)),
        ("refused_in_context", ("no_such_property", "hs_object_id"), ("PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE")),
        ("refused_option", ("industry",), ("INVALID_OPTION",)),
    ],
)
def test_refused_properties_are_named_anywhere(name: str, properties: tuple[str, ...], codes: tuple[str, ...]) -> None:
    said = refusal(json.dumps(sample("hubspot", name)).encode())
    assert said.properties == properties
    assert tuple(code for _, code in said.faults) == codes


def test_unknown_and_read_only_properties_are_hopeless_and_bad_values_are_not() -> None:
    said = refusal(json.dumps(sample("hubspot", "refused_in_context")).encode())
    assert said.hopeless == {"no_such_property", "hs_object_id"}
    assert not refusal(json.dumps(sample("hubspot", "refused_option")).encode()).hopeless


@pytest.mark.parametrize(
    ("name", "existing"),
    [
        ("conflict_in_text", "12345"),
        ("conflict_newer", "6789"),
        ("conflict_without_id", ""),
        ("conflict_partial", "171"),
    ],
)
def test_a_conflict_names_the_row_in_the_way_if_hubspot_does(name: str, existing: str) -> None:
    error = reading("acme", 0.2).refusal(CALL, reply(409, sample("hubspot", name)))
    assert isinstance(error, ConflictError)
    assert error.existing_id == existing


@pytest.mark.parametrize(
    ("name", "path", "scope"),
    [
        ("contacts.create", "/crm/v3/objects/contacts", "crm.objects.contacts.write"),
        ("contacts.batch_read", "/crm/v3/objects/contacts/batch/read", "crm.objects.contacts.read"),
        ("companies.batch_update", "/crm/objects/2026-09/companies/batch/update", "crm.objects.companies.write"),
        ("properties.list", "/crm/properties/2026-09/companies", "crm.objects.companies.read"),
        ("properties.create", "/crm/v3/properties/contacts", "crm.schemas.contacts.write"),
    ],
)
def test_missing_scopes_that_are_not_named_follow_from_the_call(name: str, path: str, scope: str) -> None:
    call = Operation(name, "POST", path, Repeat.SAFE)
    error = reading("acme", 0.2).refusal(call, reply(403, {"category": "MISSING_SCOPES"}))
    assert isinstance(error, AccessError)
    assert error.hint == f"give the token the scopes {scope}"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"x"', b'{"errors":[1,{"context":3}],"context":[]}'])
def test_a_body_that_is_no_error_object_is_an_empty_refusal(body: bytes) -> None:
    assert refusal(body).properties == ()
    assert refusal(body).existing_id == ""


@pytest.mark.parametrize(
    ("name", "seconds"), [("limit_ten_secondly", None), ("limit_secondly", 1.0), ("limit_daily", 3600.0)]
)
def test_the_wait_follows_the_policy_named(name: str, seconds: float | None) -> None:
    assert pause(reply(429, sample("hubspot", name))) == seconds


def test_a_limit_without_a_name_is_waited_for_as_long_as_hubspots_longest_window() -> None:
    assert pause(Reply(429, {}, b"{}")) == 10.0


def test_a_wish_of_the_vendor_goes_before_the_policy() -> None:
    assert pause(Reply(429, {"retry-after": "3"}, b"{}")) == 3.0


def test_only_answers_near_a_limit_are_worth_a_notice() -> None:
    far = {"x-hubspot-ratelimit-max": "190", "x-hubspot-ratelimit-remaining": "120"}
    near = far | {"x-hubspot-ratelimit-remaining": "3", "x-hubspot-ratelimit-interval-milliseconds": "10000"}
    day = {"x-hubspot-ratelimit-daily": "1000", "x-hubspot-ratelimit-daily-remaining": "210"}
    notices = reading("acme", 0.2).notices
    assert notices(CALL, Reply(200, far, b"")) == {}
    assert notices(CALL, Reply(200, near, b""))[""].remaining == 3
    assert notices(CALL, Reply(200, day, b""))[""].remaining == 10


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_page_that_something_in_between_answers_with_blames_neither_row_nor_credential(status: int) -> None:
    page = Reply(status, {"content-type": "text/html"}, b"<html>Attention Required!</html>")
    for call in (CALL, UPDATE):
        error = reading("acme", 0.2).refusal(call, page)
        assert isinstance(error, RateLimitedError)
        assert (error.retry_after_s, error.code) == (60.0, "PAGE")


def test_a_right_to_one_property_stops_no_other_row_and_any_other_403_pauses() -> None:
    fault = {"message": "no", "code": "USER_LACKS_PERMISSION", "context": {"propertyName": ["salary"]}}
    named = {"category": "FORBIDDEN", "message": "no", "errors": [fault]}
    read = reading("acme", 0.2)
    for call in (CALL, UPDATE):
        error = read.refusal(call, reply(403, named))
        assert isinstance(error, RejectedError)
        assert (error.fields, error.kind) == (("salary",), RefusalKind.ACCESS)
        for body in ({"category": "FORBIDDEN", "message": "no"}, {**named, "category": "MISSING_SCOPES"}):
            assert isinstance(failure("acme", "acme", call, reply(403, body), read), AccessError)


def test_a_limit_is_left_to_the_common_table() -> None:
    assert reading("acme", 0.2).refusal(CALL, reply(429, sample("hubspot", "limit_daily"))) is None
    assert reading("acme", 0.2).statuses[429] is RateLimitedError


@pytest.mark.parametrize("status", [400, 404, 405, 415, 422])
def test_a_question_that_the_portal_does_not_take_is_no_records_fault(status: int) -> None:
    body = b'{"status": "error", "category": "VALIDATION_ERROR", "message": "Invalid input JSON"}'
    of = calls("2026-09")["contact"]
    for operation in (of.search, of.list, of.properties):
        assert type(reading("acme", 0.2).refusal(operation, Reply(status, {}, body))) is AccessError
    by_values = replace(of.search, by_values=True)
    assert isinstance(reading("acme", 0.2).refusal(by_values, Reply(400, {}, body)), RejectedError)
