"""Reads CSV files that a person hands over."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from config.problems import unreadable
from worker.commands.providers.output import WrongUseError

ENTRY_COLUMNS = ("external_id", "website_url", "company_name", "city")
ORDER_COLUMNS = ("company_name", "external_id", "website_url", "city", "country")


def rows_of(file: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Returns the rows of a CSV, its blank cells left out.

    Raises:
        WrongUseError: it cannot be read, or has other columns.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(unreadable(file, error)) from None
    sheet = csv.DictReader(io.StringIO(text), restkey="")
    names = [name.strip().lower() for name in sheet.fieldnames or ()]
    strange = sorted(set(names) - set(columns))
    if strange or not names:
        raise WrongUseError(f"{file.name} has the columns {', '.join(names) or 'none'}; known: {', '.join(columns)}")
    sheet.fieldnames = names
    try:
        rows = list(sheet)
    except csv.Error:
        raise WrongUseError(f"{file.name} is not a CSV file") from None
    if any("" in row for row in rows):
        raise WrongUseError(f"{file.name} has a row with more cells than its header")
    return [{name: value.strip() for name, value in row.items() if value and value.strip()} for row in rows]
