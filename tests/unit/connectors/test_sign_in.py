"""Reads refusals of the token endpoints: a repeat, a wait, or a person who has to mend something."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from connectors.errors import AccessError, ConnectorError, ContractError, RateLimitedError, SignInUnavailableError
from connectors.hubspot import sign_in as hubspot
from connectors.models import Reply
from connectors.operations import Operation, Repeat
from connectors.replies import parsed
from connectors.salesforce import sign_in as salesforce
from connectors.salesforce import tokens

CALL = Operation("oauth.token", "POST", "/token", Repeat.CREATES, bucket="token")


def of_salesforce(body: Any, status: int = 400) -> ConnectorError | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return salesforce.reading("acme").refusal(CALL, Reply(status, {}, content))


def of_hubspot(body: Any, status: int = 400, headers: dict[str, str] | None = None) -> ConnectorError | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return hubspot.reading("acme").refusal(CALL, Reply(status, headers or {}, content))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("unknown_error", "retry your request"),
        ("invalid_grant", "token request is already being processed"),
        ("unknown_error", "Failed: Token request is already being processed."),
        ("server_error", ""),
        ("temporarily_unavailable", "The authorization server is busy"),
        ("invalid_request", "The service is temporarily unavailable, please try again later"),
        ("unknown_error", ""),
    ],
)
def test_a_refusal_that_asks_for_a_repeat_blames_nobody(error: str, words: str) -> None:
    refused = of_salesforce({"error": error, "error_description": words})
    assert type(refused) is SignInUnavailableError
    assert refused.bucket == "acme:token"


@pytest.mark.parametrize("body", [b"<html>Bad Request</html>", b"", b"[]", b"{}", b"nul"])
def test_a_page_of_a_gateway_blames_nobody(body: bytes) -> None:
    assert type(of_salesforce(body)) is SignInUnavailableError
    assert type(of_hubspot(body)) is SignInUnavailableError


def test_too_many_sign_ins_wait_for_longer() -> None:
    refused = of_salesforce({"error": "invalid_grant", "error_description": "login rate exceeded"})
    assert type(refused) is RateLimitedError
    assert refused.retry_after_s == 900
    refused = of_hubspot({"status": "error", "message": "Rate limit exceeded"}, headers={"retry-after": "7"})
    assert type(refused) is RateLimitedError
    assert refused.retry_after_s == 7


@pytest.mark.parametrize(
    ("error", "words", "todo"),
    [
        ("invalid_grant", "user hasn't approved this consumer", "pre-authorize"),
        ("invalid_app_access", "user is not admin approved to access this app", "pre-authorize"),
        ("invalid_grant", "expired access/refresh token", "connect the org again"),
        ("inactive_user", "user is inactive", "activate it"),
        ("invalid_grant", "inactive user", "activate it"),
        ("invalid_grant", "inactive organization", "ask Salesforce"),
        ("invalid_grant", "expired authorization code", "clock"),
        ("invalid_grant", "invalid assertion", "certificate of private_key_file"),
        ("invalid_grant", "no client credentials user enabled", '"Run As"'),
        ("invalid_grant", "request not supported on this domain", "login_base"),
        ("invalid_grant", "ip restricted", "IP ranges"),
        ("invalid_client_id", "client identifier invalid", "client id"),
        ("invalid_client", "invalid client credentials", "client secret"),
        ("unsupported_grant_type", "grant type not supported", "enable the flow"),
        ("invalid_grant", "something new", "check client id, secret, user and key"),
    ],
)
def test_a_refused_credential_says_what_to_do(error: str, words: str, todo: str) -> None:
    refused = of_salesforce({"error": error, "error_description": words})
    assert type(refused) is AccessError
    assert refused.code == error
    assert todo in refused.hint


@pytest.mark.parametrize(
    "words",
    [
        "audience is invalid",
        "Audience validation failed",
        "audience is invalid [audience=https://login.salesforce.com login=https://test.salesforce.com]",
    ],
)
def test_a_wrong_audience_names_the_setting(words: str) -> None:
    refused = of_salesforce({"error": "invalid_grant", "error_description": words})
    assert type(refused) is AccessError
    assert refused.code == salesforce.WRONG_AUDIENCE
    assert "set audience" in refused.hint


@pytest.mark.parametrize(
    ("body", "todo"),
    [
        (
            {"status": "BAD_REFRESH_TOKEN", "error": "invalid_grant", "message": "unknown refresh token"},
            "connect the portal",
        ),
        (
            {"status": "BAD_CLIENT_ID", "error": "invalid_client", "message": "wrong client"},
            "client id and client secret",
        ),
        ({"error": "invalid_client", "error_description": "unknown client"}, "client id and client secret"),
        ({"status": "error", "message": "nobody is here", "category": "VALIDATION_ERROR"}, "connect the portal"),
    ],
)
def test_hubspot_says_what_to_do(body: dict[str, str], todo: str) -> None:
    refused = of_hubspot(body)
    assert type(refused) is AccessError
    assert todo in refused.hint


@pytest.mark.parametrize("words", ["Something went wrong, please retry", "A token request is already in progress"])
def test_hubspot_may_want_a_repeat_too(words: str) -> None:
    assert type(of_hubspot({"status": "error", "message": words})) is SignInUnavailableError


def test_no_word_of_the_vendor_goes_into_an_error() -> None:
    for told in (
        of_salesforce({"error": "x_y", "error_description": "canary"}),
        of_hubspot({"error": "x_y", "message": "canary"}),
    ):
        assert "canary" not in f"{told} {told!r} {vars(told)}"


@pytest.mark.parametrize("reader", [hubspot._TOKEN, tokens._TOKEN], ids=["hubspot", "salesforce"])
@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Other: 1", "\x1b[31m", "é", "\u202e", "a\x00"])
def test_a_token_that_cannot_stand_in_a_header_is_another_contract(reader: TypeAdapter[Any], token: str) -> None:
    body = json.dumps({"access_token": token, "instance_url": "https://acme.my.salesforce.com"}).encode()
    with pytest.raises(ContractError) as raised:
        parsed(reader, Reply(200, {}, body), "acme", CALL.name)
    assert not token or token not in str(raised.value)
