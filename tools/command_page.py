"""Makes docs/commands.md: every command with its options and exit codes, as ``refill COMMAND --help`` tells them."""

from __future__ import annotations

import re
import textwrap

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from worker.cli import app
from worker.commands.lazy import whole

HEAD = """\
# Commands

Every command of `refill`, with the text of `refill COMMAND --help`. Results go to standard output,
remarks to standard error. Exit code 0 means done, 1 refused or failed, 2 wrong use or
configuration; commands with further codes list them.

This page is generated from the commands (`make references`).
"""
COLUMNS = 100


def text() -> str:
    command = whole(get_command(app))
    found = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name="refill"), name="refill")
    _, _, body = found.partition("**Commands**:")
    body = re.sub(r"^\* `--help`: .*\n", "", "**Commands**:" + body, flags=re.MULTILINE)
    body = re.sub(r"\*\*Options\*\*:\n\n(?=\n|\*\*|#|\Z)", "", body)
    page = "\n".join(_line(line) for line in _linked(body).splitlines())
    return HEAD + "\n" + re.sub(r"\n{3,}", "\n\n", page).rstrip() + "\n"


def _linked(body: str) -> str:
    """Replaces the help of a list of commands, which is cut off there, by links to the full help."""
    lines, above = [], "refill"
    for line in body.splitlines():
        if heading := re.fullmatch(r"#+ `(refill.*)`", line):
            above = heading[1]
        if listed := re.fullmatch(r"\* `([a-z][\w-]*)`: .*", line):
            name = f"{above} {listed[1]}"
            lines.append(f"* [`{name}`](#{name.replace(' ', '-')})")
        else:
            lines.append(line)
    return "\n".join(lines)


def _line(line: str) -> str:
    if len(line) <= COLUMNS or line.startswith(("$", "#", "|")):
        return line
    return textwrap.fill(line, COLUMNS, subsequent_indent="  " if line.startswith("* ") else "", break_long_words=False)
