"""Follows real answers to updates to their ending: what is left out, tried alone, and told of it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import RateLimitedError
from connectors.models import RefusalKind
from tests.contract.pushes import HUBSPOT, SALESFORCE, made, phone, push, pushing, title, writes
from tests.harness.sandbox import Sandbox, Start
from worker.visits.push import PushEnd

ROUTES = {"hubspot": "*batch/update", "salesforce": "*composite/sobjects"}
EXISTING = "0035g0000000042AAA"
MATCH = {"matchResults": [{"entityType": "Contact", "matchRecords": [{"record": {"Id": EXISTING}}]}]}


def row(code: str, message: str = "", fields: tuple[str, ...] = (), **more: Any) -> list[dict[str, Any]]:
    """Collections' word on the only row of a call."""
    return [{"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields), **more}]}]


@pytest.fixture
def org(start_sandbox: Start) -> Sandbox:
    return start_sandbox("salesforce", "--records", "3", "--companies", "2")


@pytest.fixture
def portal(start_sandbox: Start) -> Sandbox:
    return start_sandbox("hubspot", "--records", "3", "--companies", "2")


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (row("ENTITY_IS_LOCKED", "entity is locked for editing"), RefusalKind.ROW, ""),
        (row("INACTIVE_OWNER_OR_USER", "owner is inactive"), RefusalKind.ROW, ""),
        (row("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access"), RefusalKind.ACCESS, ""),
        (row("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"), RefusalKind.ORG, ""),
        (row("CANNOT_EXECUTE_FLOW_TRIGGER", "flow failed"), RefusalKind.ORG, ""),
        (row("FIELD_CUSTOM_VALIDATION_EXCEPTION", "State where it came from."), RefusalKind.RULE, ""),
        (row("DUPLICATES_DETECTED", "Use one of these", duplicateResult=MATCH), RefusalKind.DUPLICATE, EXISTING),
        (row("DUPLICATES_DETECTED", "Use one of these", duplicateResut=MATCH), RefusalKind.DUPLICATE, EXISTING),
        (row("NEVER_HEARD_OF", "no"), RefusalKind.UNKNOWN, ""),
    ],
)
async def test_an_orgs_refusal_of_a_row_is_told_by_its_kind_and_code(
    org: Sandbox, body: list[dict[str, Any]], kind: RefusalKind, told: str
) -> None:
    async with pushing(org, SALESFORCE) as (watch, pusher):
        record_id = made(org, SALESFORCE)
        org.fault("status", ROUTES["salesforce"], params={"status": 200, "body": body})
        pushed = await push(watch, pusher, SALESFORCE, record_id, title(SALESFORCE))
        word = pushed.words["job_title"]
        code = body[0]["errors"][0]["statusCode"]
        assert pushed.ended is PushEnd.PUSHED
        assert (word.kind, word.code, word.existing_id) == (kind, code, told)


async def test_values_are_tried_alone_when_a_rule_does_not_say_which_it_is_about(org: Sandbox) -> None:
    async with pushing(org, SALESFORCE) as (watch, pusher):
        record_id = made(org, SALESFORCE)
        org.calm()
        rule = row("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Please state where this contact came from.")
        org.fault("status", ROUTES["salesforce"], params={"status": 200, "body": rule}, match="Phone")
        pushed = await push(watch, pusher, SALESFORCE, record_id, title(SALESFORCE), phone(SALESFORCE))
        assert (pushed.written, pushed.refused) == ((title(SALESFORCE),), (phone(SALESFORCE),))
        assert pushed.words["phone"].words == "Please state where this contact came from."
        assert writes(org) == 3


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (429, {"Retry-After": "31"}, 31),
        (429, {}, 5),
        (403, {"Sforce-Limit-Info": "api-usage=100000/100000"}, 900),
    ],
)
async def test_a_spent_day_is_a_403_and_a_429_is_back_off(
    org: Sandbox, status: int, headers: dict[str, str], wait_s: float
) -> None:
    body = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    async with pushing(org, SALESFORCE) as (watch, _):
        await watch.vendor.now()
        org.fault("status", params={"status": status, "body": body, "headers": headers})
        with pytest.raises(RateLimitedError) as caught:
            await watch.vendor.read(watch.watched, ["0035g0000000001"])
        assert caught.value.retry_after_s == wait_s
        assert ("100000 of 100000 API calls" in str(caught.value)) is (status == 403)


async def test_a_row_that_is_there_and_leads_to_something_gone_waits_for_its_change(org: Sandbox) -> None:
    async with pushing(org, SALESFORCE) as (watch, pusher):
        record_id = made(org, SALESFORCE)
        gone = row("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        org.fault("status", ROUTES["salesforce"], params={"status": 200, "body": gone}, times=None)
        pushed = await push(watch, pusher, SALESFORCE, record_id, title(SALESFORCE))
        assert pushed.ended is PushEnd.PUSHED
        assert (pushed.words["job_title"].kind, pushed.words["job_title"].code) == (
            RefusalKind.ROW,
            "INVALID_CROSS_REFERENCE_KEY",
        )
        assert writes(org) == 2


async def test_a_property_that_our_token_may_not_write_pauses_nobody(portal: Sandbox) -> None:
    fault = {"message": "You may not edit it", "code": "USER_LACKS_PERMISSION", "context": {"propertyName": ["phone"]}}
    body = {"status": "error", "category": "FORBIDDEN", "message": "refused", "errors": [fault]}
    async with pushing(portal, HUBSPOT) as (watch, pusher):
        record_id = made(portal, HUBSPOT)
        portal.calm()
        portal.fault("status", ROUTES["hubspot"], times=None, params={"status": 403, "body": body}, match='"phone"')
        pushed = await push(watch, pusher, HUBSPOT, record_id, title(HUBSPOT), phone(HUBSPOT))
        assert (pushed.written, pushed.refused) == ((title(HUBSPOT),), (phone(HUBSPOT),))
        assert pushed.words["phone"].kind is RefusalKind.ACCESS
