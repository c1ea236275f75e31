"""Reads and writes tables as people save them: any of the usual separators and encodings, no cell run as a formula."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from config.counts import counted
from config.problems import ConfigError, unreadable
from worker.decide.values.text import is_formula

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NO_TEXT = {b"PK\x03\x04": "an Excel workbook or another archive", b"\xd0\xcf\x11\xe0": "an old Excel workbook"}
_SEPARATORS = ",;\t|"
_LOOK = 20  # rows to tell the separator by
_FIGURES = re.compile(r"[+-]?[\d\s().,/-]*")


@dataclass(frozen=True, slots=True)
class TextTable:
    """Holds a file's rows, the header apart; each is as wide as the header. ``note`` is worth telling people."""

    header: tuple[str, ...]
    rows: list[list[str]] = field(repr=False)
    separator: str
    note: str = ""


def read(file: Path, *, header: bool = True) -> TextTable:
    """Returns the table in a file.

    Raises:
        ConfigError: one sentence: the fault of the file and its line.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError([unreadable(file, error)]) from None
    if kind := next((kind for start, kind in _NO_TEXT.items() if raw.startswith(start)), ""):
        raise ConfigError([f"{file} is {kind} and not text: open it in a spreadsheet and save it as CSV (UTF-8)"])
    text, note = _decoded(raw)
    if "\0" in text:
        raise ConfigError([f"{file} is not text: save it as CSV (UTF-8)"])
    if not text.strip():
        raise ConfigError([f"{file} is empty: a header and a row for each person are expected"])
    separator = _separator(text)
    rows: list[list[str]] = []
    width = 0
    for line, cells in _rows(file, text, separator):
        if not any(cell.strip() for cell in cells):
            continue
        width = width or len(cells)
        if len(cells) > width:
            raise ConfigError([f"{file}:{line}: this row has {counted(len(cells), 'cell')} and the first one {width}"])
        rows.append(cells + [""] * (width - len(cells)))
    names = tuple(cell.strip() for cell in rows[0]) if header else tuple(str(at + 1) for at in range(width))
    return TextTable(names, rows[1:] if header else rows, separator, note)


def _decoded(raw: bytes) -> tuple[str, str]:
    mark = next((name for start, name in _MARKS.items() if raw.startswith(start)), "utf-8")
    try:
        return raw.decode(mark), ""
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), "it is not UTF-8 and was read as Windows-1252 (Latin-1)"


def _rows(file: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        before = reader.line_num
        try:
            yield before + 1, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = "a quote that is not closed?" if "end of data" in str(error) else str(error)
            raise ConfigError([f"{file}:{before + 1}: this row cannot be read: {hint}"]) from None


def _separator(text: str) -> str:
    """Returns the sign that parts most of the first rows into the same number of cells, more than one."""

    def evenness(sign: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
        try:
            widths = [len(row) for row, _ in zip(reader, range(_LOOK), strict=False) if row]
        except csv.Error:
            return 0, 0
        first = widths[0] if widths else 1
        return (0, 0) if first < 2 else (sum(one <= first for one in widths), first)

    return max(_SEPARATORS, key=evenness)


def safe(cell: str) -> str:
    """Returns a cell that no spreadsheet runs; numbers and phone numbers stay as they are."""
    return f"'{cell}" if is_formula(cell) and not _FIGURES.fullmatch(cell.strip()) else cell


class TableWriter:
    """Writes a table to a temporary file and moves it in place when it is complete; an old one stays until then."""

    def __init__(self, file: Path, separator: str) -> None:
        """Write to ``file`` in the end."""
        self._file, self._separator = file, separator
        self._draft = file.with_name(f"{file.name}.part")

    def __enter__(self) -> Self:
        """Open the draft.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            self._opened = self._draft.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise ConfigError([f"{self._draft} cannot be written: {(error.strerror or 'it failed').lower()}"]) from None
        self._csv = csv.writer(self._opened, delimiter=self._separator)
        return self

    def write(self, cells: Sequence[str]) -> None:
        self._csv.writerow([safe(cell) for cell in cells])

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Put the table in its place, unless something failed."""
        if kind is None:
            self._opened.flush()
            os.fsync(self._opened.fileno())
        self._opened.close()
        if kind is None:
            self._draft.replace(self._file)
