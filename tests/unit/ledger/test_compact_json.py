"""Gives entries back as they were written, whatever they hold, and takes less room in between."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Question
from worker.ledger.compact_json import packed, unpacked
from worker.visits.journal_entries import (
    IntentEntry,
    change_entry,
    created_entry,
    kept_back_entry,
    linked_entry,
    lookup_entry,
    signal_entry,
)

RUN = "sync-1"
INTENT = IntentEntry("email", "email", "", "jane@acme.io", "forager", "", "a" * 32, 5, "if_blank", RUN, 1_700_000_000)
QUESTION = Question("forager", "42", "work_emails", {"linkedin": "jane"}, 5)
MADE = created_entry("contact", "7", "ext-1", 5, {"email": "jane@acme.io"})
LINKED = linked_entry("contact", "7", "9", "ext-1", 5)
KEPT_BACK = kept_back_entry("contact", "7", "ext-1", "no room", 5)
FILLED = change_entry(IntentEntry.of_row("contact", "7", "phone", "phone", "+1", RUN, 5, "ext-1"), "confirmed")
ALL = (
    change_entry(INTENT, "confirmed"),
    change_entry(INTENT, "refused", cause='says "kind":"lookup", \\'),
    lookup_entry(QUESTION, "miss", 0, 5),
    lookup_entry(QUESTION, "hit", 5, 5),
    change_entry(msgspec.structs.replace(INTENT, field="work_email", grade="valid"), "confirmed"),
    change_entry(msgspec.structs.replace(INTENT, question="0f" * 16, grade="valid", provider="kaspr"), "seen"),
    change_entry(msgspec.structs.replace(INTENT, question="F" * 32), "confirmed"),
    signal_entry("job_change", "forager", "a" * 32, {"employer": "Acme"}, 5),
    MADE,
    LINKED,
    KEPT_BACK,
    FILLED,
)


@pytest.mark.parametrize("entry", ALL)
def test_an_entry_comes_back_as_it_was(entry: str) -> None:
    kept = packed(entry)
    assert (unpacked(kept, RUN), len(kept) < len(entry)) == (entry, True)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.dictionaries(st.text(), st.text())))
def test_any_json_comes_back(facts: dict[str, object]) -> None:
    entry = json.dumps({"kind": "change"} | facts, ensure_ascii=False, separators=(",", ":"))
    assert unpacked(packed(entry), RUN) == entry


@pytest.mark.parametrize("entry", ALL)
def test_an_entry_kept_by_a_version_before_is_read_as_it_stands(entry: str) -> None:
    assert unpacked(entry, RUN) == entry


def test_a_lookup_and_what_it_fills_take_little_room() -> None:
    filled = change_entry(msgspec.structs.replace(INTENT, field="work_email", grade="valid"), "confirmed")
    run = f'"run":"{RUN}"'  # which the script makes one byte
    assert len(packed(lookup_entry(QUESTION, "hit", 5, 1_764_412_345_678))) <= 45
    assert len(packed(filled).replace(run, "-")) <= 45 + len("jane@acme.io")


def test_an_entry_with_phrases_of_versions_before_is_read() -> None:
    kept = '\x05email"\x06email"\x07jane@acme.io"\x08forager"\nvalid"\x0baabb"\x0c5\r\x1f\x165\x10'
    told = json.loads(unpacked(kept, RUN))
    assert (told["after"], told["question"], told["run"], told["state"]) == ("jane@acme.io", "aabb", RUN, "confirmed")


def test_values_stay_as_they_are_for_whoever_looks_for_them() -> None:
    assert "jane@acme.io" in packed(change_entry(INTENT, "confirmed"))


@pytest.mark.parametrize("entry", [LINKED, KEPT_BACK, FILLED])
def test_scripts_read_which_row_an_entry_names(entry: str) -> None:
    assert '"object":"contact","id":"7"' in packed(entry)


def test_scripts_read_which_row_was_made() -> None:
    assert '"made_object":"contact","made_id":"7"' in packed(MADE)
