"""The documents point at things that exist, and prose keeps to the rules for words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PRODUCT = ("bench", "config", "connectors", "sandbox", "tools", "worker")
CLAUSE = re.compile(r'"""(?:What|Who|Whom|Whose|Whoever|Whatever|Which)\b')
LINK = re.compile(r"\]\(([^)#\s]+)")
PATH = re.compile(r"`((?:\.ci|bench|config|connectors|docs|sandbox|tests|tools|worker)/[\w./*\[\]{},-]+)`")


def test_no_docstring_begins_with_a_clause() -> None:
    files = [one for room in PRODUCT for one in (ROOT / room).rglob("*.py")]
    assert [str(one) for one in files if CLAUSE.search(one.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [one for one in LINK.findall(text) if "://" not in one and not (page.parent / one).exists()]
    paths = [one for one in PATH.findall(text) if not list(ROOT.glob(one))]
    assert (links, paths) == ([], [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_wraps_at_a_hundred_columns(page: Path) -> None:
    assert [number for number, line in prose(page) if len(line) > 100] == []


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Lines that are neither code nor a table's row, with their numbers."""
    code = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and not line.startswith(("    ", "|")):
            yield number, line
