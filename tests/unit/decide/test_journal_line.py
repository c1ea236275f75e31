"""Tells an entry of the journal in words, chosen by what is asked, and run by no spreadsheet."""

from __future__ import annotations

import csv
import dataclasses
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from worker.decide.journal_line import JournalFilter, as_line, cell

CONTACT = ("acme", "contact", "7")
CHANGE = {
    "kind": "change", "field": "work_email", "property": "email", "before": "", "after": "ada@acme.example",
    "provider": "forager", "rule": "if_blank", "credits": 5, "at": 1000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (CHANGE | {"state": "confirmed"}, "written: the field was blank"),
        (CHANGE | {"state": "refused", "cause": "INVALID_EMAIL"}, "refused by the CRM: INVALID_EMAIL"),
        (CHANGE | {"state": "overtaken"}, "not written: somebody else was faster: the field was blank"),
        ({"kind": "lookup", "operation": "detail", "outcome": "miss"}, "the provider did not know it"),
        (
            {"kind": "signal", "signal": "kept_back", "cause": "LOCKED"},
            "the CRM did not take what was delivered: LOCKED",
        ),
        ({"kind": "created", "values": {"email": "a@b.example"}}, "created: OpenProspect delivered it"),
        ({"kind": "linked", "company_id": "9"}, "linked to its company: OpenProspect delivered it"),
    ],
)
def test_reason_is_said_in_words(entry: dict[str, object], reason: str) -> None:
    assert as_line("1-0", CONTACT, "r", entry).reason == reason


def test_a_delivery_is_told_of_the_row_it_touched() -> None:
    filled = as_line("1-0", ("acme", "delivery", "p:1"), "r", CHANGE | {"object": "company", "id": "9"})
    created = as_line(
        "1-0", ("acme", "delivery", "p:1"), "r", {"kind": "created", "made_object": "contact", "made_id": "3"}
    )
    assert [(one.object, one.id) for one in (filled, created)] == [("company", "9"), ("contact", "3")]


def test_every_part_of_a_filter_must_agree() -> None:
    line = as_line("1-0", CONTACT, "r", CHANGE | {"state": "confirmed"})
    fitting = JournalFilter("r", CONTACT, "acme", "forager", "work_email", "WAS BLANK", 1000, 1001)
    assert JournalFilter().takes(line)
    assert fitting.takes(line)
    strange = {"run": "x", "record": ("acme", "contact", "8"), "crm": "x", "provider": "x", "field": "x", "reason": "x"}
    for name, value in (strange | {"since": 1001, "until": 1000}).items():
        assert not replace(fitting, **{name: value}).takes(line), name


@given(st.dictionaries(st.text(max_size=12), st.none() | st.booleans() | st.integers() | st.text()))
def test_any_entry_is_told(entry: dict[str, object]) -> None:
    assert as_line("5-0", CONTACT, "r", entry).key == "5-0"


@given(st.text())
def test_no_cell_begins_a_formula(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell(text).endswith(text)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\u3000", "\u200b", "\ufeff "])
def test_a_start_of_a_formula_is_seen_in_every_width_and_behind_blanks(before: str, start: str) -> None:
    assert cell(f"{before}{start}1") == f"'{before}{start}1"


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_a_sheet_gives_every_cell_back(text: str) -> None:
    sheet = io.StringIO()
    csv.writer(sheet).writerow(
        [cell(value) for value in dataclasses.asdict(as_line(text, CONTACT, text, CHANGE, 1)).values()]
    )
    (row,) = csv.reader(io.StringIO(sheet.getvalue(), newline=""))
    assert row[0] == cell(text)


def test_a_value_that_was_there_already_is_not_told_as_a_filled_blank() -> None:
    entry = {"kind": "change", "state": "seen", "field": "city", "before": "", "after": "Berlin", "rule": "if_blank"}
    line = as_line("1-0", ("acme", "contact", "1"), "sync-1", entry)
    assert (line.before, line.after, line.reason) == ("Berlin", "Berlin", "not written: the same value was there")
