"""Any bytes are a message or are refused; a message names nothing but record ids."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.salesforce.messages import Message, callout, outbound, same_org
from connectors.salesforce.records import is_id
from tests.integration.intake.senders import envelope, notification

WHOLE = envelope(notification("0035g00000AbCdEAAV"))


@given(at=st.integers(0, len(WHOLE) - 1), with_=st.binary(max_size=6), cut=st.integers(0, 6))
@example(at=0, with_=b"\xef\xbb\xbf", cut=0)
def test_any_change_of_a_message_is_read_or_refused(at: int, with_: bytes, cut: int) -> None:
    body = WHOLE[:at] + with_ + WHOLE[at + cut :]
    try:
        message = outbound(body)
    except ValueError:
        return
    assert all(len(one) in {15, 18} and is_id(one) for ids in message.ids.values() for one in ids)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever the text
        outbound(body)


def test_a_mebibyte_is_read_or_refused_in_a_moment() -> None:
    wide = envelope(*[notification("0035g00000AbCdEAAV").replace("someone", "x" * 9_000)] * 100)
    assert len(wide) < 1 << 20
    began = time.process_time()
    assert len(outbound(wide).ids["contact"]) == 1
    assert time.process_time() - began < 0.2


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=18),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["object", "ids", "org_id"]), inner)
        ),
    )
)
def test_any_callout_is_read_or_refused(body: object) -> None:
    try:
        message = callout(body)
    except ValueError:
        return
    assert isinstance(message, Message)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("00D5g000000Abc1", "00D5g000000Abc1EAC", True),
        ("00D5g000000Abc1EAC", "00D5g000000Abc1EAC", True),
        ("00D5g000000abc1", "00D5g000000Abc1EAC", False),
        ("", "", False),
        ("00D5g000000Abc", "00D5g000000Abc1EAC", False),
    ],
)
def test_organization_ids_of_both_lengths_are_compared(one: str, other: str, same: bool) -> None:
    assert same_org(one, other) is same
