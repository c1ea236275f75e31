"""Provides the two streams a command speaks to. Nothing it says steers the terminal, whoever the words are from."""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from config.plain import shown


class Terminal(Console):
    """Represents a console for texts of anybody: it interprets no markup in them and passes no control character on."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Returns every string as a text, those in tables and in live displays too."""
        return super().render_str(shown(text, lines=True), **{**options, "markup": False, "emoji": False})

    def say(self, text: str, style: str = "") -> None:
        """Says one sentence on one line, which stays whole however narrow the terminal is."""
        self.print(shown(text), style=style or None, highlight=False, soft_wrap=True)


def agreed(question: str) -> bool:
    """Asks a person; nobody, where there is no terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm(question)
