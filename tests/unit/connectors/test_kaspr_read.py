"""Reads Kaspr's replies in both dialects, and asks its question."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.errors import CreditsError
from connectors.kaspr import operations as op
from connectors.kaspr.client import Kaspr, open_transport
from connectors.kaspr.models import Pattern
from connectors.kaspr.options import KasprOptions
from connectors.kaspr.read import answer, notices, patterns, reading, reset_s
from connectors.limits import NoLimiter, Notice
from connectors.models import Identity, Outcome, Question, Reply
from connectors.ports import KeepsLog, Provider
from connectors.registry import PAID
from tests.unit.connectors.samples import reply, samples, shown

NAMES = ["profile", "emails", "phones", "workEmails", "company", "fetchedAt", "message", "valid", "email", "name"]


def question(name: str) -> Question:
    return Question("kaspr", "main", name, {"id": "ada-example-1a2b3c"}, 3)


@pytest.mark.parametrize("sample", samples("kaspr"))
def test_a_kept_reply_is_read_as_its_sample_says(sample: dict[str, Any]) -> None:
    dialect: Literal["reference", "v2"] = sample.get("dialect", "reference")
    assert shown(answer(dialect, question(sample["operation"]), reply(sample))) == sample["answer"]


@given(
    st.sampled_from(["profile", "domain_pattern", "domain_employees"]),
    st.integers(100, 999),
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    st.text(max_size=5),
)
def test_no_reply_makes_the_reader_raise(name: str, status: int, body: bytes, header: str) -> None:
    kept = Reply(status, {"decreased-credits": header, "x-ratelimit-reset": header}, body)
    assert isinstance(answer("v2", question(name), kept).outcome, Outcome)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90000", 90.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("3600000", 3600.0),
        ("9000000", 3600.0),
        ("1795161690", 3600.0),
        ("1795161690000", 3600.0),
        ("", None),
        ("soon", None),
        ("nan", None),
    ],
)
def test_the_reset_is_a_duration_in_milliseconds(text: str, seconds: float | None) -> None:
    assert reset_s(text) == seconds


def test_headers_that_are_absent_tell_nothing() -> None:
    assert notices(op.PROFILE, Reply(200, {"x-ratelimit-remaining": "0"}, b"")) == {}
    headers = {"x-ratelimit-remaining": "-3", "x-ratelimit-reset": "60000"}
    assert notices(op.PROFILE, Reply(200, headers, b"")) == {"": Notice(0, 60.0, 3600)}


@pytest.mark.parametrize(
    ("headers", "pool"),
    [
        ({"remaining-phone-credits": "0", "remaining-work-email-credits": "12"}, "phone"),
        ({"remaining-phone-credits": "0", "remaining-work-email-credits": "0"}, ""),
        ({}, ""),
    ],
)
def test_an_empty_pool_is_named_when_it_is_one(headers: dict[str, str], pool: str) -> None:
    told = reading("bearer").refusal(op.PROFILE_V2, Reply(402, headers, b"{}"))
    assert isinstance(told, CreditsError)
    assert told.bucket == pool


def test_patterns_are_sorted_and_unknown_tokens_skipped() -> None:
    rows = [
        {"pattern": "{f}{last}@example.com", "score": 0.1},
        {"pattern": "{middle}@example.com", "score": 0.9},
        {"pattern": "{first}.{last}@example.com", "score": 0.7},
        {"pattern": "{first}{l}@example.com"},
    ]
    found = patterns(Reply(200, {}, json.dumps({"patterns": rows}).encode()))
    assert found == (
        Pattern(pattern="{first}.{last}@example.com", score=0.7),
        Pattern(pattern="{f}{last}@example.com", score=0.1),
        Pattern(pattern="{first}{l}@example.com"),
    )


@pytest.mark.parametrize(("dialect", "price"), [("reference", 1), ("v2", 3)])
async def test_the_offer_asks_by_slug_and_name_keyed_by_slug(dialect: Literal["reference", "v2"], price: int) -> None:
    options = KasprOptions(api_key=SecretStr("s3cret"), dialect=dialect)
    client = Kaspr(open_transport(options, NoLimiter()), options)
    provider: Provider = client
    assert isinstance(client, KeepsLog) is PAID["kaspr"].keeps_log
    (offer,) = provider.offers({})
    assert offer.price == price
    assert offer.names_person
    ada = offer.question(Identity(slug="ada", first_name="Ada", last_name="Example"))
    other = offer.question(Identity(slug="ada", first_name="A.", last_name="Example"))
    assert ada is not None
    assert other is not None
    assert ada.key == other.key
    assert ada.name == "Ada Example"
    assert provider.offers({"profile": 7})[0].price == 7
    await client.aclose()


async def test_personal_addresses_are_offered_in_the_reference_only() -> None:
    dialects: tuple[tuple[Literal["reference", "v2"], bool], ...] = (("reference", True), ("v2", False))
    for dialect, offered in dialects:
        options = KasprOptions(api_key=SecretStr("s3cret"), dialect=dialect)
        client = Kaspr(open_transport(options, NoLimiter()), options)
        assert ("personal_email" in client.offers({})[0].gives) is offered
        await client.aclose()
