"""Looks up what a command refused with: each sentence has its entry in the documents, to be found by its text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tools.messages_page import sentences

DOCS = Path(__file__).parents[2] / "docs"


@cache
def patterns() -> re.Pattern[str]:
    """Returns every sentence of docs/messages.md, in one expression."""
    told = {sentence for _, sentence in sentences()}
    found = (".*".join(map(re.escape, one.strip("… ").split("…"))) for one in told)
    return re.compile("|".join(sorted(found, key=len, reverse=True)), re.DOTALL)


def untold(said: str) -> list[str]:
    """Returns the lines of a refusal that no entry tells of."""
    lines = [
        line
        for line in said.splitlines()
        if line.strip() and not line.startswith(("{", "Usage:", "Try ", "╭", "│", "╰"))
    ]
    return [line for line in lines if not patterns().search(line.replace("`", "'"))]
