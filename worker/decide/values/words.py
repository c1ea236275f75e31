"""Lists of words in the source, as sets."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def words(text: str) -> frozenset[str]:
    """Returns the words of ``text``, which blanks part."""
    return frozenset(text.split())


def phrases(text: str) -> frozenset[str]:
    """Returns the phrases of ``text``, which ``|`` and line ends part."""
    return frozenset(found for line in text.splitlines() for one in line.split("|") if (found := one.strip()))


@cache
def listed(name: str) -> tuple[str, ...]:
    """Returns the lines of a list in ``data``; the header of each names its source."""
    text = files(__package__).joinpath("data", f"{name}.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def name_lines(file: str) -> list[list[str]]:
    """Returns the words of each line of a list of names."""
    return [line.split() for line in listed(f"names/{file}")]


@cache
def name_words(file: str) -> frozenset[str]:
    return frozenset(word for line in name_lines(file) for word in line)
