"""Tells how tables are shown to people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from config.plain import shown
from worker.commands.terminal import Listing


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, figures: int = 0) -> Table:
    """Returns a table; its last ``figures`` columns hold numbers, a cell of several values has a line for each."""
    found = Listing(title=shown(title), title_justify="left", title_style="bold", header_style="")
    found.show_header, found.min_width = any(columns), len(title)
    found.min_width = len(title)
    for at, column in enumerate(columns):
        found.add_column(column, justify="right" if at >= len(columns) - figures else "left", overflow="fold")
    for row in rows:
        found.add_row(*(cell(value) for value in row))
    return found


def cell(value: object) -> Text:
    """Fills a cell: a value on one line as it is, brackets too; several of them under each other."""
    values = value if isinstance(value, tuple | list) else [value]
    return Text("\n".join("" if one is None else shown(str(one)) for one in values))
