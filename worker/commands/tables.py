"""Tells how figures and times are shown to people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from config.plain import shown
from worker.commands.terminal import Listing

_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


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


def lasting(ms: int) -> str:
    """Returns a length of time in its two largest units: ``2d 3h``, ``45s``."""
    seconds = max(0, ms) // 1000
    parts: list[str] = []
    for size, unit in _UNITS:
        if seconds >= size or (unit == "s" and not parts):
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return " ".join(parts[:2])


def ago(at_ms: int, now_ms: int) -> str:
    """Tells how long ago; ``never`` for 0."""
    return f"{lasting(now_ms - at_ms)} ago" if at_ms else "never"


def until(at_ms: int, now_ms: int) -> str:
    """Tells how long a reason still stands; 0 stands until it is lifted."""
    return f"for {lasting(at_ms - now_ms)}" if at_ms else "until resumed"


def of(figure: int, cap: int | None) -> str:
    """Returns ``12 of 500``; the figure alone where nothing limits it."""
    return str(figure) if cap is None else f"{figure} of {cap}"
