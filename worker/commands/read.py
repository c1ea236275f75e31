"""Shows how one value is read: once for a person, or line by line for a program."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Annotated, BinaryIO

import typer

from config.plain import escaped
from config.problems import ConfigError
from worker.commands.options import Json, as_command, one_command
from worker.commands.session import out, print_json
from worker.decide.values import reading

KINDS = ", ".join(reading.READERS)
app = one_command()


@as_command(app)
def command(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help=KINDS)] = None,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Two for person and profile.")] = None,
    country: Annotated[list[str] | None, typer.Option(help="Country of numbers without +; may be repeated.")] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Answer JSON lines from standard input, one for one.")] = False,
    as_json: Json = False,
) -> int:
    """Show how one value is read: the slug, the number, the domain.

    Needs no configuration.
    """
    if lines and kind is None:
        return run_lines(sys.stdin.buffer, sys.stdout.buffer)
    if lines or kind is None:
        raise ConfigError(["give a kind and a text, or --lines: not both, not neither"])
    try:
        values = reading.read(_line(kind, texts or [], country or []))
    except ValueError as error:
        raise ConfigError([str(error)]) from None
    if as_json:
        print_json(values)
        return 0
    for name, value in values.items():
        out.say(f"{name:<8}{_shown(value)}")
    return 0


def _line(kind: str, texts: list[str], countries: list[str]) -> dict[str, object]:
    """Returns the JSON line that equals a person's command."""
    if kind in reading.COMPARED:
        if len(texts) != 2:
            raise ValueError(f"`{kind}` compares two values. Give both: refill read {kind} ONE OTHER.")
        one, other = texts
        if kind == "person":
            return {"kind": kind, "record": {"full": one}, "found": {"full": other}}
        return {"kind": kind, "a": one, "b": other}
    if len(texts) != 1:
        raise ValueError(f"`{kind}` reads one value. Put it in quotes when it has blanks.")
    return {"kind": kind, "text": texts[0], "countries": countries}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "(nothing)"


def run_lines(source: BinaryIO, sink: BinaryIO) -> int:
    """Answers JSON lines one for one. Each answer is sent at once, so that a program may ask as it goes."""
    try:
        for line in source:
            sink.write(escaped(json.dumps(_answer(line), ensure_ascii=False)).encode() + b"\n")
            sink.flush()
    except BrokenPipeError:  # the program has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _answer(line: bytes) -> Mapping[str, object]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return {"error": "not a JSON object"}
    if not isinstance(asked, dict):
        return {"error": "not a JSON object"}
    try:
        return reading.read(asked)
    except ValueError as error:
        return {"error": str(error)}
