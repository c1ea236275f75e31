"""Writes to the two streams of a command. No text can control the terminal, whoever it is from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from config.plain import shown

WARNS = "yellow"


class Listing(Table):
    """Lays out records as a table whose cells are never wrapped.

    Where it does not fit the terminal, each record is a block of lines; in a pipe each is one line.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.update(max_width=_WIDE)
        if not console.is_terminal:
            yield from self._lines()
        elif self.__rich_measure__(console, wide).maximum <= options.max_width:
            yield from super().__rich_console__(console, options)
        else:
            yield from self._blocks()

    def _rows(self) -> list[list[str]]:
        cells = [[_plain(one) for one in column.cells] for column in self.columns]
        return [list(row) for row in zip(*cells, strict=True)]

    def _lines(self) -> Iterator[Segment]:
        if self.title:
            yield Segment(f"{self.title}\n")
        heads = [_plain(column.header) for column in self.columns]
        rows = ([heads] if self.show_header and any(heads) else []) + self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            yield Segment("  ".join(cells).rstrip() + "\n")
        yield from self._caption()

    def _blocks(self) -> Iterator[Segment]:
        if self.title:
            yield Segment(f"{self.title}\n")
        heads = [_plain(column.header) for column in self.columns]
        width = max(map(len, heads), default=0)
        for at, row in enumerate(self._rows()):
            if at and width:
                yield Segment("\n")
            if not width:
                yield Segment("  ".join(row) + "\n")
                continue
            for head, value in zip(heads, row, strict=True):
                if value:
                    yield Segment(f"{head:<{width}}  {value}\n")
        yield from self._caption()

    def _caption(self) -> Iterator[Segment]:
        if self.caption:
            yield Segment(f"{self.caption}\n")


_WIDE = 10_000


def _plain(cell: object) -> str:
    return ", ".join(shown(line) for line in str(cell).splitlines())


class Terminal(Console):
    """Prints texts of anybody: interprets no markup in them and passes no control character on."""

    hushed = False  # True: warnings and progress are not shown; refusals always are

    def print(self, *objects: Any, **options: Any) -> None:
        """Prints its arguments; a listing is never cropped, since ids and names are copied from it."""
        if any(isinstance(one, Listing) for one in objects):
            options.setdefault("crop", False)
        super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Returns every string as a text, those in tables and in live displays too."""
        return super().render_str(shown(text, lines=True), **{**options, "markup": False, "emoji": False})

    def say(self, text: str, style: str = "") -> None:
        """Says one sentence on one line, which stays whole however narrow the terminal is."""
        if self.hushed and style == WARNS:
            return
        self.print(shown(text), style=style or None, highlight=False, soft_wrap=True)


def agreed(question: str) -> bool:
    """Asks a person; returns at once if there is no terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm(question)
