"""Columns are found by the headers people's exports have, and rows are shown to the rules."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from worker.decide.columns import FIELDS, ColumnError, found, plain_header


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (
            ("First Name", "Last Name", "E-mail", "Company Domain"),
            ("first_name", "last_name", "work_email", "company_domain"),
        ),
        (("VORNAME", "Nachname", "Firma", "Handy"), ("first_name", "last_name", "company_name", "mobile_phone")),
        (("Prénom", "Nom", "Adresse e-mail"), ("first_name", "last_name", "work_email")),
        (("full_name", "LinkedIn URL", "Title"), ("full_name", "linkedin_url", "job_title")),
        (FIELDS, FIELDS),
    ],
)
def test_well_known_headers_are_found(header: Sequence[str], fields: Sequence[str]) -> None:
    assert dict(found(header, {}).places) == {name: at for at, name in enumerate(fields)}


def test_what_is_named_wins_and_what_is_not_there_is_told() -> None:
    header = ("Email", "Second", "Notes")
    assert found(header, {"work_email": "second"}).places == {"work_email": 1}
    assert found(header, {"work_email": "3", "personal_email": "Email"}).places == {
        "work_email": 2,
        "personal_email": 0,
    }
    with pytest.raises(ColumnError, match="there is no column Mail: the columns are Email, Second, Notes"):
        found(header, {"work_email": "Mail"})


def test_a_full_name_is_read_as_two() -> None:
    columns = found(("Name", "Website"), {})
    record = columns.record("1", ("Dr. Ada Lovelace", "example.com"))
    assert columns.identifies
    assert [record.values[columns.identity[slot]] for slot in ("first_name", "last_name")] == ["Ada", "Lovelace"]


def test_new_columns_stand_behind_the_others() -> None:
    assert found(("Name", "Website"), {}).with_fields(["phone", "job_title"], 2).places["job_title"] == 3


@pytest.mark.parametrize(
    ("header", "plain"), [("E-Mail_Adresse", "e mail adresse"), ("  Société ", "societe"), ("", "")]
)
def test_headers_are_compared_without_dress(header: str, plain: str) -> None:
    assert plain_header(header) == plain
