"""Checks the links of the project's pages: every relative one leads to a file, every anchor to a heading of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


def pages() -> list[Path]:
    return sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"), *ROOT.glob("bench/*.md")]
    )


def broken(page: Path) -> Iterator[str]:
    """Yields a sentence for each link of a page that leads nowhere."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    for plain, image in _LINK.findall(text):
        target = plain or image
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        where = f"{page.relative_to(ROOT)}: {target}"
        if not there.exists():
            yield f"{where}: no such file"
        elif anchor and (there.suffix != ".md" or anchor not in anchors(there)):
            yield f"{where}: no such heading"


@cache
def anchors(page: Path) -> frozenset[str]:
    """Returns the anchors of a page's headings, as forges make them."""
    found: list[str] = []
    for heading in _HEADING.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return frozenset(found)


def main() -> int:
    """Print every broken link; exit code 1 says that there is one."""
    found = [sentence for page in pages() for sentence in broken(page)]
    sys.stdout.write("".join(f"{one}\n" for one in found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
