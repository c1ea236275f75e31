"""Names the arguments of scripts.

A script's head declares what it takes, in order: ``-- args: owner, token, entries[], rows(id, stamp)``; the line goes
on in the next comment line after a comma at its end.

- ``owner`` is one value;
- ``entries[]`` is a list: it travels as its length and its values, and is a table in Lua;
- ``rows(id, stamp)`` takes what is left, row by row, and stands last. Lua goes through it as often as it likes:
  ``for id, stamp in rows() do``. A row may hold lists too.

Single values stand before lists. Values are strings in Lua, whatever they were here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias, cast

Arg: TypeAlias = str | bytes | int
Value: TypeAlias = Arg | Collection[Arg] | Collection[Sequence[Arg | Sequence[Arg]]]

FIRST = 3  # ARGV[1] and ARGV[2] are the time and the key prefix

_HEAD = re.compile(r"^-- args: ((?:.*,\n--\s+)*.*)$", re.MULTILINE)
_PIECE = re.compile(r"(\w+)(?:(\[\])|\(([^()]*)\))?\s*(?:,\s*(?:--\s+)?|$)")


@dataclass(frozen=True, slots=True)
class NamedValues:
    """Names values that stand in a row: single ones, then lists."""

    singles: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    def lua(self, at: str, first: str) -> str:
        """Returns statements that make locals of the values; ``at`` ends behind them, ``first`` is where they begin."""
        lines = []
        if self.singles:
            values = ", ".join(f"ARGV[{first} + {place}]" for place in range(len(self.singles)))
            lines.append(f"local {', '.join(self.singles)} = {values}")
        lines.append(f"{at} = {first} + {len(self.singles)}")
        lines += [f"local {name}; {name}, {at} = list({at})" for name in self.lists]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Arguments:
    """Names what one script takes."""

    columns: NamedValues = NamedValues()
    rows: str = ""
    row: NamedValues = NamedValues()

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names that a call gives."""
        return (*self.columns.singles, *self.columns.lists, *([self.rows] if self.rows else []))

    def values(self, named: Mapping[str, Value]) -> list[Arg]:
        """Returns the values as they travel.

        Raises:
            TypeError: a name is missing, or is not one of the script's.
        """
        if len(named) != len(self.columns.singles) + len(self.columns.lists) + bool(self.rows):
            raise self._mistake(named)
        try:
            values = cast("list[Arg]", [named[name] for name in self.columns.singles])
            for name in self.columns.lists:
                _add(values, cast("Collection[Arg]", named[name]))
            if self.rows:
                self._add_rows(values, cast("Collection[Sequence[Arg]]", named[self.rows]))
        except KeyError:
            raise self._mistake(named) from None
        return values

    def _add_rows(self, values: list[Arg], rows: Collection[Sequence[Arg]]) -> None:
        if not self.row.lists:
            begun = len(values)
            values.extend(chain.from_iterable(rows))
            if len(values) - begun != len(rows) * len(self.row.singles):
                raise TypeError(f"each of {self.rows} is {', '.join(self.row.singles)}")
            return
        singles = len(self.row.singles)
        for row in rows:
            values.extend(row[:singles])
            for one in cast("Sequence[Collection[Arg]]", row[singles:]):
                _add(values, one)

    def _mistake(self, named: Mapping[str, Value]) -> TypeError:
        return TypeError(
            f"the script takes {', '.join(self.names) or 'nothing'}; given {', '.join(named) or 'nothing'}"
        )

    def lua(self) -> str:
        """Returns the statements that give the arguments their names."""
        if not self.names:
            return ""
        lines = ["local next_argument", self.columns.lua("next_argument", str(FIRST))]
        if self.rows:
            row = ", ".join((*self.row.singles, *self.row.lists))
            lines += [
                f"local function {self.rows}()",
                "local at = next_argument",
                "return function()",
                "if at > #ARGV then return nil end",
                "local from = at",
                self.row.lua("at", "from"),
                f"return {row}",
                "end",
                "end",
            ]
        return "\n".join(lines) + "\n"


def _add(values: list[Arg], more: Collection[Arg]) -> None:
    values.append(len(more))
    values.extend(more)


def arguments(script: str) -> Arguments:
    """Returns what the head of a script declares; nothing where it has no such line.

    Raises:
        ValueError: the line cannot be read.
    """
    head = _HEAD.search(script)
    if head is None:
        return Arguments()
    singles, lists, rows, row = list[str](), list[str](), "", NamedValues()
    at, text = 0, head.group(1)
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or rows or (lists and not (piece.group(2) or piece.group(3))):
            raise ValueError(f"args: {text[at:]!r}: single names, then lists[], then rows(name, name)")
        at, (name, is_list, columns) = piece.end(), piece.groups()
        if columns is not None:
            rows, row = name, arguments(f"-- args: {columns}").columns
        else:
            (lists if is_list else singles).append(name)
    return Arguments(NamedValues(tuple(singles), tuple(lists)), rows, row)
