"""Reads or refuses any bytes as a message; a message names nothing but record ids."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.salesforce.ids import is_id
from connectors.salesforce.messages import Message, callout, outbound, without_echoes
from tests.harness.cpu import is_slow
from tests.integration.intake.senders import envelope, notification

WHOLE = envelope(notification("0035g00000AbCdEAAV", by="0055g0000000PERAA2"))
ONE, OTHER = "0035g00000AbCdEAAV", "0035g00000AbCdFAAV"
US, PERSON = "0055g0000000001AAA", "0055g0000000PERAA2"


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


@pytest.mark.parametrize(
    "head",
    [b'<a xmlns="%b">', b'<a xmlns:n="%b" n:x="1">', b'<n:a xmlns:n="%b">', b"<a><b xmlns='%b'>", b'<a %b="1">'],
)
def test_long_names_are_refused_at_the_first_of_them(head: bytes) -> None:
    body = head % (b"u" * 1_000) + b"<n/>" * 20_000
    with pytest.raises(ValueError, match="longer names"):
        outbound(body)


def filled(unit: str, most: int = (1 << 20) - 2_000) -> str:
    """``unit`` again and again, up to the cap of a body; each ``#`` in it is another number."""
    if "#" not in unit:
        return unit * (most // len(unit))
    return "".join(unit.replace("#", format(at, "05x")) for at in range(most // (len(unit) + 4)))


def around(before: str, unit: str, after: str) -> str:
    return before + filled(unit) + after


def row(fields: str) -> str:
    return (
        '<Notification><sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"{fields}</sObject></Notification>"
    )


LONG = "u" * 80
BOMBS: dict[str, Callable[[], str]] = {  # made where a test asks for one
    "attributes of one element": lambda: around("<x ", 'a#="" ', "/>"),
    "attributes with a sign that ends a tag": lambda: around("<x ", "a#='>' ", "/>"),
    "attributes of one long namespace": lambda: around(f'<x xmlns:p="{LONG}" ', 'p:a#="" ', "/>"),
    "namespaces of one element": lambda: around("<x ", 'xmlns:a#="u" ', "/>"),
    "namespaces of each element": lambda: filled('<b xmlns:a="u" xmlns:c="v" xmlns:d="w"/>'),
    "elements in one long namespace": lambda: around(f'<x xmlns="{LONG}">', "<b/>", "</x>"),
    "elements and attributes in one long namespace": lambda: around(f'<x xmlns:p="{LONG}">', '<p:b p:c=""/>', "</x>"),
    "elements with some attributes": lambda: filled('<b a="" b="" c="" d="" e="" f="" g="" h=""/>'),
    "sections": lambda: filled("<![CDATA[a]]>"),
    "deep elements": lambda: filled("<a>"),
    "notifications": lambda: filled("<Notification/>"),
    "rows of one notification": lambda: row(filled("<sf:Id>0035g00000AbCdE</sf:Id></sObject><sObject>")),
    "ids of one row": lambda: row(filled("<sf:Id>0035g00000AbCdE</sf:Id>")),
    "writers of one row": lambda: row(filled("<sf:LastModifiedById>0055g0000000PER</sf:LastModifiedById>")),
    "organizations": lambda: filled("<OrganizationId>00D5g000000Abc1</OrganizationId>"),
    "one long name": lambda: around("<", "a", "/>"),
    "one long text": lambda: filled("a"),
    "characters by number": lambda: row(around("<sf:Id>", "&#65;", "</sf:Id>")),
    "lines of an id": lambda: row(around("<sf:Id>", "a\n", "</sf:Id>")),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_message_costs_by_its_bytes_whatever_it_is_made_of(bomb: str, everyday_s: float) -> None:
    body = envelope(BOMBS[bomb]())
    assert len(body) < 1 << 20
    assert not is_slow(lambda: outbound(body), len(body), everyday_s, ends=ValueError)


@pytest.mark.parametrize(
    "bomb",
    [one for one in BOMBS if one != "one long text"],
)
def test_message_that_none_has_the_shape_of_is_refused(bomb: str) -> None:
    whole = notification(ONE)
    assert outbound(envelope(whole)).ids == {"contact": (ONE,)}
    with pytest.raises(ValueError):  # noqa: PT011  # whatever the text
        outbound(envelope(whole, BOMBS[bomb]()))


def test_row_with_two_hundred_fields_a_hundred_times_is_read() -> None:
    """The largest message: its fields are short, and its row is of a managed package."""
    fields = "".join(f"<sf:f{at:03}__c xsi:nil='true'/>" for at in range(200))
    body = envelope(*[notification(ONE).replace("<sf:Email>", f"{fields}<sf:Email>")] * 100)
    assert len(outbound(body).ids["contact"]) == 1


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=18),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["object", "ids", "org_id", "last_modified_by_id"]), inner)
        ),
    )
)
def test_any_callout_is_read_or_refused(body: object) -> None:
    try:
        message = callout(body)
    except ValueError:
        return
    assert isinstance(message, Message)


def test_callout_that_does_not_know_a_writer_names_the_record_all_the_same() -> None:
    told = callout({"object": "Contact", "ids": [ONE, OTHER], "last_modified_by_id": {ONE: None, OTHER: US}})
    assert without_echoes(told, US).ids == {"contact": (ONE,)}


def left(message: Message, user: str = US) -> list[str]:
    return [one for ids in without_echoes(message, user).ids.values() for one in ids]


@pytest.mark.parametrize("user", [US, US[:15]])
@pytest.mark.parametrize("by", [US, US[:15]])
def test_record_that_our_user_wrote_last_is_an_echo_in_both_forms_of_an_id(user: str, by: str) -> None:
    told = outbound(envelope(notification(ONE, by=by), notification(OTHER, by=PERSON)))
    assert (dict(told.ids), left(told, user)) == ({"contact": (ONE, OTHER)}, [OTHER])
    body = {"object": "Contact", "ids": [ONE, OTHER[:15]], "last_modified_by_id": {ONE[:15]: by, OTHER: PERSON}}
    assert left(callout(body), user) == [OTHER]


@pytest.mark.parametrize("by", [None, "", "x", PERSON, US.swapcase()])
def test_record_of_which_nothing_says_that_we_wrote_it_is_none(by: str | None) -> None:
    assert left(outbound(envelope(notification(ONE, by=by)))) == [ONE]
    assert left(callout({"object": "Contact", "ids": [ONE], "last_modified_by_id": {ONE: by} if by else None})) == [ONE]


def test_while_nobody_knows_our_user_nothing_is_an_echo() -> None:
    assert left(outbound(envelope(notification(ONE, by=US), notification(OTHER, by=""))), "") == [ONE, OTHER]


def test_record_told_of_twice_is_an_echo_only_when_both_say_so() -> None:
    both = [notification(ONE, by=US), notification(ONE[:15], by=US[:15])]
    assert left(outbound(envelope(*both))) == []
    assert left(outbound(envelope(*both, notification(ONE, by=PERSON)))) == [ONE]
    assert left(outbound(envelope(*both, notification(ONE)))) == [ONE]


def test_writer_is_of_its_own_record_wherever_it_stands_among_the_fields() -> None:
    first = f"<sf:LastModifiedById>{US}</sf:LastModifiedById>"
    turned = notification(ONE).replace("<sf:Id>", f"{first}<sf:Id>")
    assert left(outbound(envelope(turned, notification(OTHER)))) == [OTHER]
    assert left(outbound(envelope(notification(OTHER), turned))) == [OTHER]
    partner = turned.replace("enterprise", "partner")
    assert left(outbound(envelope(partner))) == []
    nested = notification(ONE).replace("<sf:Email>", f"<sf:Email>{first}")
    assert left(outbound(envelope(nested))) == [ONE]


@pytest.mark.parametrize("told", ["x", [ONE], {ONE: 5}])
def test_callout_whose_writers_are_no_map_is_none(told: object) -> None:
    with pytest.raises(ValueError, match="last_modified_by_id"):
        callout({"object": "Contact", "ids": [ONE], "last_modified_by_id": told})
