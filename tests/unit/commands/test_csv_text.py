"""Reads tables as people save them, and writes them so that no cell is run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from config.problems import ConfigError
from worker.commands.csv_text import TableWriter, read, safe


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_file_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    file = tmp_path / "people.csv"
    rows = [["Name", "Notes", "City"], ["Zoë", 'two\nlines, and; a "quote"', "Köln"], ["Al", "", ""]]
    with file.open("w", encoding=encoding, newline="") as opened:
        csv.writer(opened, delimiter=separator).writerows(rows)
    table = read(file)
    assert table.header == ("Name", "Notes", "City")
    assert table.rows == rows[1:]
    assert table.separator == separator
    assert bool(table.note) is (encoding == "cp1252")


def test_short_rows_are_filled_up_and_blank_lines_left_out(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("a,b,c\r\n\r\n1\r\n1,2,3\r\n,,\r\n", encoding="utf-8")
    assert read(file).rows == [["1", "", ""], ["1", "2", "3"]]
    assert read(file, header=False).header == ("1", "2", "3")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"a,b\n1,2,3\n", ":2: this row has 3 cells and the first one 2"),
        (b'a,b\n1,"2\n', ":2: this row cannot be read"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", ":2: this row cannot be read"),
        (b"PK\x03\x04\x14\x00", "is an Excel workbook or another archive and not text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Excel workbook and not text"),
        (b"name\x00\x01\n", "is not text"),
    ],
)
def test_a_file_that_is_no_table_is_told_with_its_place(tmp_path: Path, raw: bytes, told: str) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(raw)
    with pytest.raises(ConfigError, match=r"people\.csv") as raised:
        read(file)
    assert told in str(raised.value)


@pytest.mark.parametrize(("file", "told"), [("absent.csv", "there is no file"), (".", "cannot be read")])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, file: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read(tmp_path / file)


def test_a_table_is_put_in_its_place_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "filled.csv"
    stopped = TableWriter(file, ";")
    stopped.__enter__().write(["a"])
    stopped.__exit__(KeyboardInterrupt, None, None)
    assert not file.exists()
    with TableWriter(file, ";") as writer:
        writer.write(["=1+1", "+49 30 1"])
    assert read(file, header=False).rows == [["'=1+1", "+49 30 1"]]


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "@SUM(1)", "+x", "-2+3+cmd", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_no_cell_is_run_as_a_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["+49 30 1234", " +49 30 1234", "-5", "+1 (415) 555-2671", "Ada", "", "a=b"])
def test_numbers_and_words_stay(cell: str) -> None:
    assert safe(cell) == cell
