"""Reads a portal's rows: what became of each id, and what a row says."""

from typing import Any

import pytest

from connectors.hubspot import records
from connectors.hubspot.records import RecordRow, RecordRows
from connectors.models import Fate


def rows(*items: dict[str, Any], errors: Any = ()) -> RecordRows:
    return RecordRows.model_validate({"results": list(items), "errors": list(errors)})


def row(row_id: str, **properties: str | None) -> dict[str, Any]:
    return {"id": row_id, "properties": properties, "createdAt": "x", "updatedAt": "2026-01-01T00:00:00Z"}


def test_a_chained_merge_that_the_list_misses_moves_when_nothing_else_is_open() -> None:
    found = records.fates("contact", ["1", "2"], rows(row("2"), row("9")), 5)
    assert (found["1"].fate, found["1"].moved_to) == (Fate.MOVED, "9")


def test_two_open_ids_and_two_strange_rows_are_not_guessed_at() -> None:
    found = records.fates("contact", ["1", "2"], rows(row("8"), row("9")), 5)
    assert {f.fate for f in found.values()} == {Fate.UNKNOWN}


def test_a_loser_asked_for_beside_its_survivor_moves() -> None:
    found = records.fates("contact", ["9", "1"], rows(row("9", hs_merged_object_ids="1")), 5)
    assert (found["9"].fate, found["1"].fate) == (Fate.FOUND, Fate.MOVED)


def test_a_record_carries_stamp_company_and_opt_out() -> None:
    raw = row("1", lastmodifieddate="2025-07-07T20:27:17.947Z", associatedcompanyid="77", hs_email_optout="true")
    record = records.to_record("contact", RecordRow.model_validate(raw), 9)
    assert (record.modified, record.company_id, record.opted_out, record.read_at) == (1751920037947, "77", True, 9)


@pytest.mark.parametrize(
    ("text", "ms"),
    [("1751920037947", 1751920037947), ("2025-07-07T20:27:17.947Z", 1751920037947), ("soon", 0), ("", 0)],
)
def test_dates_come_as_iso_or_epoch_text(text: str, ms: int) -> None:
    assert records.milliseconds(text) == ms
