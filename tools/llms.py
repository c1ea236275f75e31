"""Writes site/llms.txt: every page of the documents with its first sentence, for programs that read."""

from __future__ import annotations

import re
import string
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BEGINS = string.ascii_letters + "*`"  # a paragraph, no table, list or heading


def text() -> str:
    """Returns the list, the front page first."""
    docs = ROOT / "docs"
    pages = sorted(docs.glob("*.md"), key=lambda page: (page.name != "index.md", page.name))
    lines = ["# Refill", "", "> Keeps CRM records filled: self-hosted enrichment with a ledger and an undo.", ""]
    for page in pages:
        title, _, rest = page.read_text(encoding="utf-8").partition("\n")
        first = next((part for part in rest.split("\n\n") if part.strip() and part.strip()[0] in _BEGINS), "")
        sentence = re.split(r"(?<=[.:])\s", " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", first).split()))[0]
        lines.append(f"- [{title.removeprefix('# ')}]({page.stem}.html): {sentence}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "site" / "llms.txt").write_text(text(), encoding="utf-8")
    sys.exit(0)
