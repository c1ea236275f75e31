"""The documents: pages made from the product are current, links lead somewhere, and every page is in the menu."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools import llms
from tools.links import ROOT, broken, pages
from tools.references import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_product_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run make references"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert list(broken(page)) == []


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.links.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# One `word`\n[a](#one-word) [b](#two) [c](gone.md) [d](page.md#one-word) [e](https://x.org/y)\n")
    assert list(broken(page)) == ["page.md: #two: no such heading", "page.md: gone.md: no such file"]


def test_no_page_links_to_what_the_built_documents_do_not_hold() -> None:
    out = [path.name for path in DOCS.glob("*.md") if "](../" in path.read_text(encoding="utf-8")]
    assert out == []


def listed(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    return [name for one in inner for name in listed(one)]


def test_every_page_is_in_the_menu_and_on_the_front_page() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    there = {page.name for page in DOCS.glob("*.md")} | {"decisions/README.md"}
    assert sorted(listed(nav)) == sorted(there)
    front = (DOCS / "index.md").read_text(encoding="utf-8")
    assert {name for name in there if f"({name})" not in front} == {"index.md"}


def test_every_test_that_a_page_names_is_there() -> None:
    named: dict[str, set[str]] = {}
    file = ""
    for row in (DOCS / "edges.md").read_text(encoding="utf-8").splitlines():
        if not row.startswith("|"):
            continue
        for path, test in re.findall(r"`(tests/[\w/]+\.py)`|`(test_\w+)`", row):
            file = path or file  # "the same" is the one of the row above
            named.setdefault(file, set()).update({test} - {""})
    assert len(named) > 20
    gone = {
        file: names - set(re.findall(r"def (test_\w+)", (ROOT / file).read_text())) for file, names in named.items()
    }
    assert not {file: names for file, names in gone.items() if names}


def test_the_list_for_programs_has_a_sentence_for_every_page() -> None:
    lines = [line for line in llms.text().splitlines() if line.startswith("- ")]
    assert len(lines) == len(list(DOCS.glob("*.md")))
    assert [line for line in lines if not re.search(r"\): .{10,}", line)] == []
