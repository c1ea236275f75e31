"""Defines the table rows of a vendor's contract.

Describes which calls exist, whether they may be repeated, and their worst price.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from urllib.parse import quote, urlencode

from msgspec import Struct

_NO_STEPS = frozenset({"", ".", ".."})  # of a path; percent-encoding leaves them as they are


class Repeat(StrEnum):
    """Tells whether the same call may be sent again when its answer was lost."""

    SAFE = "safe"  # a read, or what says the same when it is said again
    UPDATES = "updates"  # sets values of existing rows: sent again only after a new read
    PAID = "paid"  # costs credits each time
    CREATES = "creates"  # makes a row each time


class Operation(Struct, frozen=True):
    """Describes one vendor operation. ``path`` is a template, ``credits`` the worst price known from the contract.

    ``bucket`` names a rate of its own (``"search"``), ``""`` is the vendor's ordinary one. ``misses`` are the
    statuses other than 2xx that are documented answers, such as 404 for nobody. ``by_values``: it looks for rows by
    values of a person or company, so a refusal may be about one of these; that of any other question is about us.
    """

    name: str
    method: str
    path: str
    repeat: Repeat
    credits: int = 0
    bucket: str = ""
    misses: frozenset[int] = frozenset()
    by_values: bool = False

    def __post_init__(self) -> None:
        """Keep what must not be repeated off the methods that an HTTP engine repeats by itself."""
        if self.repeat is not Repeat.SAFE and self.method not in {"POST", "PATCH"}:
            raise ValueError(f"{self.name} may not be repeated, so {self.method} is no method for it")

    def target(self, path: Mapping[str, object], query: Mapping[str, object]) -> str:
        """Returns path and query for the wire, every value percent-encoded; ``None`` query values are left out.

        Raises:
            ValueError: a path value is empty or would climb (``.``, ``..``), or one is missing or surplus.
        """
        names = _names(self.path)
        if names != path.keys():
            raise ValueError(f"{self.name} takes path values {sorted(names)}, got {sorted(path)}")
        texts = {name: quote(str(value), safe="") for name, value in path.items()}
        if not _NO_STEPS.isdisjoint(texts.values()):
            raise ValueError(f"{self.name} got an empty or climbing path value")
        where = self.path.format_map(texts)
        pairs = [(name, value) for name, value in query.items() if value is not None]
        return f"{where}?{urlencode(pairs, doseq=True)}" if pairs else where


@lru_cache(maxsize=512)
def _names(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)
