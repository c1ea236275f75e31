"""Filters that a person types become arguments of a provider's operation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.forager.queries import JobQuery, OrganizationQuery, RoleQuery
from worker.commands.providers import filters
from worker.commands.providers.output import WrongUseError, credits_of
from worker.commands.providers.sheets import ENTRY_COLUMNS, ORDER_COLUMNS, rows_of

NO_FILTERS = ["page=1", "x=1", "locations", "locations=Berlin", "employees_start={}", "domains=[1]"]
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ada-example-1a2b3c", ("slug", "ada-example-1a2b3c")),
        ("https://de.linkedin.com/in/Ada-Example-1a2b3c/?x=1", ("slug", "ada-example-1a2b3c")),
        ("Ada@Quist-Example.com ", ("email", "ada@quist-example.com")),
        ("+1 (415) 555-2671", ("phone", "+14155552671")),
    ],
)
def test_somebody_is_recognised_by_what_was_typed(text: str, found: tuple[str, str]) -> None:
    assert filters.whom(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "ada@", "@quist-example.com", "ada@nowhere", "info@quist-example.com", "ada@example.com", "0123456789",
        "+1", "https://x.example/in",
    ],
)  # fmt: skip
def test_what_is_nobody_is_refused(text: str) -> None:
    with pytest.raises(WrongUseError):
        filters.whom(text)


@given(st.text(max_size=60))
def test_any_text_is_somebody_or_refused(text: str) -> None:
    try:
        kind, value = filters.whom(text)
    except WrongUseError:
        return
    assert filters.whom(value) == (kind, value), "canonical values stay as they are"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("50-200", {"employees_start": 50, "employees_end": 200}),
        ("50-", {"employees_start": 50}),
        ("-200", {"employees_end": 200}),
        (None, {}),
    ],
)
def test_a_range_has_one_or_two_ends(text: str | None, found: dict[str, int]) -> None:
    assert filters.between("employees", text) == found


def test_filters_are_texts_numbers_flags_and_lists() -> None:
    typed = ['role_title="VP Sales" OR CTO', "person_skills=[1,2]", "role_is_current=true", "page=3"][:3]
    query = filters.query(RoleQuery, {"person_locations": [7], "person_name": None, "organizations": []}, typed)
    assert query.body() == {
        "role_title": '"VP Sales" OR CTO',
        "person_skills": [1, 2],
        "role_is_current": True,
        "person_locations": [7],
    }


def test_a_search_without_any_filter_is_refused() -> None:
    with pytest.raises(WrongUseError, match="anybody"):
        filters.query(JobQuery, {"title": None}, None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ""),
        ("7d", "2026-11-13T09:00:00Z"),
        ("2h", "2026-11-20T07:00:00Z"),
        ("2026-11-01", "2026-11-01T00:00:00Z"),
        ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z"),
    ],
)
def test_a_time_is_a_length_back_or_an_instant(text: str | None, found: str) -> None:
    assert filters.moment(text, NOW) == found


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (lambda text: filters.moment(text, NOW), ["", "yesterday", "7", "2026-13-01"]),
        (lambda text: filters.between("employees", text), ["", "-", "many", "1-2-3", "50"]),
        (lambda text: filters.query(OrganizationQuery, {}, [text]), NO_FILTERS),
    ],
    ids=["time", "range", "filter"],
)
def test_what_is_none_is_refused(read: Callable[[str], object], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(WrongUseError):
            read(text)


def test_one_credit_is_one_credit() -> None:
    assert [credits_of(count) for count in (0, 1, 2)] == ["0 credits", "1 credit", "2 credits"]


# ---- sheets ----------------------------------------------------------------------------------------------------------


def sheet(folder: Path, content: bytes) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(content)
    return path


def test_a_sheet_may_have_a_mark_blank_cells_and_quotes(tmp_path: Path) -> None:
    content = '\ufeffCompany_Name, website_url\r\n"A, B & Co",\r\n,https://b.example\r\n'.encode()
    assert rows_of(sheet(tmp_path, content), ENTRY_COLUMNS) == [
        {"company_name": "A, B & Co"},
        {"website_url": "https://b.example"},
    ]


@pytest.mark.parametrize("content", [b"", b"name,city\nA,B\n", b"\xff\xfe\x00", b"city\nA,B,C\n"])
def test_a_sheet_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(WrongUseError):
        rows_of(sheet(tmp_path, content), ENTRY_COLUMNS)


def test_a_sheet_that_cannot_be_read_is_told_by_its_cause(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="there is no file"):
        rows_of(tmp_path / "none.csv", ORDER_COLUMNS)
    with pytest.raises(WrongUseError, match="cannot be read: is a directory"):
        rows_of(tmp_path, ORDER_COLUMNS)
    with pytest.raises(WrongUseError, match="it is not UTF-8 text"):
        rows_of(sheet(tmp_path, "company_name\nMüller".encode("cp1252")), ORDER_COLUMNS)
