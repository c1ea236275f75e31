"""Writes the pages that are made from the product and its measurements (``make references``)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import command_page, configuration_page, messages_page, scale_page

DOCS = Path(__file__).parents[1] / "docs"
PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration_page.text,
    "commands.md": command_page.text,
    "messages.md": messages_page.text,
    "scale.md": scale_page.text,
}


def main() -> int:
    """Write every page and name those that changed."""
    for name, text in PAGES.items():
        path, new = DOCS / name, text()
        if not path.exists() or path.read_text(encoding="utf-8") != new:
            path.write_text(new, encoding="utf-8")
            print(f"written: docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
