"""Checks HubSpot's signatures by the vectors of its own documents and libraries, and reads its events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.hubspot.events import events, is_signed, is_timely, signature, signed_uri

SECRET, URI = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "https://www.example.com/webhook_uri"
SINGLE, DOUBLE = b"{'example_field':'example_value'}", b'{"example_field":"example_value"}'


@pytest.mark.parametrize(
    ("body", "timestamp", "expected"),
    [
        (SINGLE, "1693657560000", "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="),
        (SINGLE, "1700000300000", "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="),
        (DOUBLE, "1693657560000", "oaA3M5dEtt6kFsseJD/Hv/x+JNl1vsoxFj4oxmwP6Go="),
    ],
)
def test_signature_is_the_documented_one(body: bytes, timestamp: str, expected: str) -> None:
    assert signature(SECRET, "POST", URI, body, timestamp) == expected
    assert is_signed([SECRET], expected, "POST", URI, body, timestamp)
    assert is_signed(["another", SECRET], expected, "POST", URI, body, timestamp)
    assert not is_signed([], expected, "POST", URI, body, timestamp)
    assert not is_signed([SECRET], expected, "GET", URI, body, timestamp)
    assert not is_signed([SECRET], expected, "POST", URI, body, timestamp + ".0")


@pytest.mark.parametrize(
    "older",
    [
        "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750",  # v1
        "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",  # v2
    ],
)
def test_signature_of_an_older_scheme_is_none(older: str) -> None:
    assert not is_signed([SECRET], older, "POST", URI, SINGLE, "1693657560000")
    assert not is_signed([SECRET], older, "POST", URI, DOUBLE, "1693657560000")


def test_only_the_documented_escapes_are_decoded() -> None:
    escaped = "%3A%2f%3F%40%21%24%27%28%29%2A%2C%3b"
    assert signed_uri(escaped) == ":/?@!$'()*,;"
    kept = "%20%23%25%26%2B%3D%5B%C3%A9%252F"
    assert signed_uri(kept) == kept


def test_address_counts_as_it_stands_and_as_the_guide_decodes_it() -> None:
    address = "https://www.example.com/a%3Ab"
    for signed in (address, "https://www.example.com/a:b"):
        given_ = signature(SECRET, "POST", signed, DOUBLE, "1693657560000")
        assert is_signed([SECRET], given_, "POST", address, DOUBLE, "1693657560000")


@pytest.mark.parametrize("text", ["", "x", "-1", "1e12", "1693657560000.0", " 1693657560000", "１６", "9" * 40])
def test_timestamp_that_is_no_plain_number_is_never_timely(text: str) -> None:
    assert not is_timely(text, 1_693_657_560_000)


def test_timestamp_is_timely_within_five_minutes_on_both_sides() -> None:
    now = 1_693_657_560_000
    assert [is_timely(str(now + away), now) for away in (-300_001, -300_000, 0, 300_000, 300_001)] == [
        False, True, True, True, False,
    ]  # fmt: skip


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    [
        "subscriptionType", "eventType", "objectId", "objectTypeId", "portalId", "occurredAt", "propertyName",
        "changeSource", "sourceId", "mergedObjectIds", "primaryObjectId", "newObjectId", "fromObjectId", "toObjectId",
        "associationType",
    ]
)  # fmt: skip
_TYPES = st.sampled_from(
    [
        f"{subject}.{kind}"
        for subject in ("contact", "object", "company")
        for kind in ("merge", "creation", "associationChange", "propertyChange")
    ]
)


@given(
    raw=st.lists(st.dictionaries(_NAMES, _VALUES, max_size=10), max_size=5),
    told=_TYPES,
    ids=st.lists(st.integers() | st.text(max_size=4), max_size=3),
)
def test_any_event_is_read_or_left_out(raw: list[dict[str, Any]], told: str, ids: list[Any]) -> None:
    posted = [{**one, "subscriptionType": told, "mergedObjectIds": ids} for one in raw] + raw
    read = events(json.dumps(posted, allow_nan=False).encode())
    assert len(read) == len(posted)
    for event in read:
        if (what := event.what) is not None:
            assert what.object in {"contact", "company"}
            assert what == event.what
            assert all(one.isascii() and one.isdigit() and len(one) <= 16 for one in event.ids(what))


def test_what_is_no_event_leaves_the_others_standing() -> None:
    body = b'[7, {"subscriptionType": "contact.creation", "objectId": 5}, {"objectId": {}}, null]'
    assert [event.what and event.ids(event.what) for event in events(body)] == [None, ("5",), None, None]


@pytest.mark.parametrize(
    "broken",
    [
        b'"propertyValue": "cut amid a pair \\ud83d"',
        b'"propertyName": "\\udc00"',
        b'"propertyValue": "\xff\xfe"',
        b'"occurredAt": 1e400',
        b'"occurredAt": ' + b"9" * 400,
    ],
)
def test_a_text_or_number_that_is_none_costs_no_other_event(broken: bytes) -> None:
    body = b'[{"subscriptionType": "contact.creation", "objectId": 5}, {"objectId": 6, ' + broken + b"}]"
    first, second = events(body)
    assert first.what is not None
    assert first.ids(first.what) == ("5",)
    assert second.what is None


@pytest.mark.parametrize("body", [b"", b"{}", b"7", b"[", b"[NaN]", b'"a"', b"\xff", b"[" * 100_000, b"[{}]" + b" ]"])
def test_what_is_no_array_of_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        events(body)


def test_more_than_a_hundred_events_are_refused() -> None:
    assert len(events(b"[" + b",".join([b"{}"] * 100) + b"]")) == 100
    with pytest.raises(ValueError, match="100"):
        events(b"[" + b",".join([b"{}"] * 101) + b"]")
