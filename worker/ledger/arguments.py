"""Names the arguments of scripts.

A script's head declares what it takes, in order: ``-- args: owner, token, entries[], rows(id, stamp)``; the line goes
on in the next comment line after a comma at its end.

- ``owner`` is one value;
- ``entries[]`` is a list: it travels as its length and its values, and is a table in Lua;
- ``rows(id, stamp)`` takes what is left, row by row, and stands last. Lua goes through it as often as it likes:
  ``for id, stamp in rows() do``.

Single values stand before lists. Values are strings in Lua, whatever they were here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import TypeAlias, cast

from msgspec import Struct

Arg: TypeAlias = str | bytes | int
Value: TypeAlias = Arg | Collection[Arg] | Collection[Sequence[Arg]]

FIRST = 3  # ARGV[1] and ARGV[2] are the time and the key prefix

_HEAD = re.compile(r"^-- args: ((?:.*,\n--\s+)*.*)$", re.MULTILINE)
_PIECE = re.compile(r"(\w+)(?:(\[\])|\(([^()]*)\))?\s*(?:,\s*(?:--\s+)?|$)")


class Arguments(Struct, frozen=True):
    """Names what one script takes: single values, then lists, then what each of its rows holds."""

    singles: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    rows: str = ""
    row: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names that a call gives."""
        return (*self.singles, *self.lists, *([self.rows] if self.rows else []))

    def values(self, named: Mapping[str, Value]) -> list[Arg]:
        """Returns the values as they travel.

        Raises:
            TypeError: a name is missing, or is not one of the script's.
        """
        if len(named) != len(self.singles) + len(self.lists) + bool(self.rows):
            raise self._mistake(named)
        try:
            values = cast("list[Arg]", [named[name] for name in self.singles])
            for name in self.lists:
                given = cast("Collection[Arg]", named[name])
                values.append(len(given))
                values.extend(given)
            if self.rows:
                self._add_rows(values, cast("Collection[Sequence[Arg]]", named[self.rows]))
        except KeyError:
            raise self._mistake(named) from None
        return values

    def _add_rows(self, values: list[Arg], rows: Collection[Sequence[Arg]]) -> None:
        begun = len(values)
        values.extend(chain.from_iterable(rows))
        if len(values) - begun != len(rows) * len(self.row):
            raise TypeError(f"each of {self.rows} is {', '.join(self.row)}")

    def _mistake(self, named: Mapping[str, Value]) -> TypeError:
        takes, given = ", ".join(self.names) or "nothing", ", ".join(named) or "nothing"
        return TypeError(f"the script takes {takes}; given {given}")

    def lua(self) -> str:
        """Returns the statements that give the arguments their names."""
        lines = []
        if self.singles:
            values = ", ".join(f"ARGV[{place}]" for place in range(FIRST, FIRST + len(self.singles)))
            lines.append(f"local {', '.join(self.singles)} = {values}")
        if self.lists or self.rows:
            lines.append(f"local next_argument = {FIRST + len(self.singles)}")
        lines += [f"local {name}; {name}, next_argument = list(next_argument)" for name in self.lists]
        if self.rows:
            values = ", ".join(f"ARGV[at - {back}]" for back in range(len(self.row), 0, -1))
            lines += [
                f"local function {self.rows}()",
                "local at = next_argument",
                "return function()",
                "if at > #ARGV then return nil end",
                f"at = at + {len(self.row)}",
                f"return {values}",
                "end",
                "end",
            ]
        return "".join(f"{line}\n" for line in lines)


def arguments(script: str) -> Arguments:
    """Returns what the head of a script declares; nothing where it has no such line.

    Raises:
        ValueError: the line cannot be read.
    """
    head = _HEAD.search(script)
    if head is None:
        return Arguments()
    singles, lists, rows, row = list[str](), list[str](), "", tuple[str, ...]()
    at, text = 0, head.group(1)
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or rows or (lists and not (piece.group(2) or piece.group(3))):
            raise ValueError(f"args: {text[at:]!r}: single names, then lists[], then rows(name, name)")
        at, (name, is_list, columns) = piece.end(), piece.groups()
        if columns is not None:
            rows, row = name, tuple(columns.split(", "))
        else:
            (lists if is_list else singles).append(name)
    return Arguments(tuple(singles), tuple(lists), rows, row)
