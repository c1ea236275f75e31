"""Writes queries in which a value stays a value."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce import soql

_BACK = {"\\\\": "\\", "\\'": "'", '\\"': '"', "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\b": "\b", "\\f": "\f"}


def unquoted(text: str) -> str:
    assert text[0] == text[-1] == "'"
    return re.sub(r"\\.", lambda match: _BACK[match[0]], text[1:-1])


@given(st.text())
def test_a_quoted_value_ends_where_it_should_and_reads_back(value: str) -> None:
    text = soql.quoted(value)
    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", text, re.DOTALL)
    kept = "".join(c for c in value if c in "\n\r\t\b\f" or c.isprintable() or ord(c) > 159)
    assert unquoted(text) == kept


@given(st.text(min_size=1))
def test_a_pattern_has_no_wildcards_but_its_own(value: str) -> None:
    inner = soql.like(value)[2:-2]
    assert not re.search(r"(?<!\\)(?:\\\\)*[%_]", inner)


@pytest.mark.parametrize("text", ["Id", "Account.Name", "OpenProspect_Id__c", "a1"])
def test_names_are_taken_as_they_are(text: str) -> None:
    assert soql.name(text) == text


@given(st.text().filter(lambda text: not re.fullmatch(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", text, re.ASCII)))
def test_nothing_else_passes_as_a_name(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        soql.name(text)


def test_a_name_does_not_pass_with_a_line_break_behind_it() -> None:
    with pytest.raises(ValueError, match="name"):
        soql.name("Id\n")


def test_the_poll_takes_up_behind_its_last_row() -> None:
    at = "2026-11-20T10:00:05Z"
    assert soql.beyond(1795168805000, "") == f"SystemModstamp >= {at}"
    assert soql.beyond(1795168805000, "003A") == (f"(SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '003A'))")


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_is_told_to_the_millisecond(ms: int) -> None:
    from connectors.salesforce.records import milliseconds

    assert milliseconds(soql.moment(ms)) == ms


def test_a_membership_test_of_nothing_is_passed_by_no_row() -> None:
    assert soql.one_of("Email", []) == "Id = null"


@pytest.mark.parametrize(
    ("text", "kind", "literal"),
    [("true", "bool", "true"), ("x", "bool", "false"), ("12", "number", "12"), ("1 OR 1=1", "number", "'1 OR 1=1'")],
)
def test_literals_follow_the_field(text: str, kind: str, literal: str) -> None:
    assert soql.literal(text, kind) == literal


@given(st.lists(st.text(max_size=200), max_size=80))
def test_every_value_is_in_one_part_and_every_query_fits_a_uri(values: list[str]) -> None:
    def query(part: object) -> str:
        return soql.select(("Id",), "Contact", [soql.one_of("Email", [soql.quoted(str(v)) for v in part])])  # type: ignore[attr-defined]

    parts = list(soql.chunked(values, query, 25))
    assert [v for part in parts for v in part] == list(dict.fromkeys(values))
    assert all(len(part) <= 25 for part in parts)
    assert all(soql.encoded_length(query(part)) <= soql.URI_CAP or len(part) == 1 for part in parts)
