"""Names the three answers to whether two names are one person's."""

from __future__ import annotations

from enum import Enum, auto


class Verdict(Enum):
    """Names what a found person is to the record."""

    SAME = auto()
    OTHER = auto()
    UNSAID = auto()  # cannot tell: other evidence has to decide
