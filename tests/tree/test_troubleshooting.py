"""The page on trouble has an entry for each word and sentence by which the product says what is wrong."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import ConnectorError
from tests.harness.told import untold
from tools.trees import modules_that_log, nodes
from worker.decide.reasons import Reason, Skip
from worker.decide.undo import UndoVerdict
from worker.manual import exit_codes
from worker.reports.story_words import NOTES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SETTINGS = [*ROOT.glob("config/*.py"), *ROOT.glob("connectors/*/options.py"), ROOT / "connectors/addresses.py"]
CHECKS = [*ROOT.glob("worker/commands/check*.py")]
PAUSING = [*ROOT.glob("worker/**/*.py")]
# what its own caller turns into another sentence, or no configuration can reach
INNER = {"a user in the address"}
SHORT = 6  # letters: a shorter rest of a sentence, such as ": ", says nothing


def entries(heading: str) -> set[str]:
    """Returns the words in the first column of a section."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def trees(files: list[Path]) -> Iterator[ast.AST]:
    for file in files:
        yield from nodes(file)


def fragment(text: ast.expr) -> str:
    """Returns the longest piece of a sentence that is the same each time; ``""`` where there is none."""
    pieces = text.values if isinstance(text, ast.JoinedStr) else [text]
    fixed = [one.value.strip(' ":(') for one in pieces if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    longest = max(fixed, key=len, default="")
    return longest if len(longest) >= SHORT else ""


def refusals_of_settings() -> set[str]:
    """Returns what a configuration is refused with."""
    found: set[str] = set()
    for node in trees(SETTINGS):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="ValueError"), args=[text])):
                found.add(fragment(text))
            case ast.Raise(exc=ast.Call(func=ast.Name(id="ConfigError"), args=[ast.List(elts=[text])])):
                found.add(fragment(text))
            case ast.Call(func=ast.Attribute(attr="append"), args=[ast.JoinedStr() as text]):
                found.add(fragment(text))
    for node in trees([ROOT / "config/problems.py"]):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr):
            found.add(fragment(node.value))
    return found - {"", *INNER}


def failures_of_check() -> set[str]:
    """Returns the findings by which ``refill check`` fails."""
    found: set[str] = set()
    for node in trees(CHECKS):
        match node:
            case ast.Call(func=ast.Name(id="CheckResult"), args=[_, ast.Name(id="FAILED_LEVEL"), text, *_]):
                found.add(fragment(text))
    return found - {""}


def hints_of_vendors() -> set[str]:
    """Returns what connectors say is to be done, wherever they name it a hint or list it by a vendor's words."""
    found: set[str] = set()
    for node in trees([*ROOT.glob("connectors/**/*.py")]):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=text) if name == "hint" or name.endswith("_HINT"):
                found |= {fragment(one) for one in _choices(text)}
            case ast.Assign(targets=[ast.Name(id="_HINTS")], value=ast.Tuple(elts=rows)):
                found |= {fragment(row.elts[1]) for row in rows if isinstance(row, ast.Tuple)}
            case ast.keyword(arg="hint", value=text):
                found |= {fragment(one) for one in _choices(text)}
    for node in trees([*ROOT.glob("connectors/*/sign_in.py"), ROOT / "connectors/kaspr/read.py"]):
        match node:  # sentences that several refusals share
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() as text) if name.startswith("_"):
                found.add(fragment(text))
            case ast.Assign(targets=[ast.Tuple()], value=ast.Tuple(elts=texts)):
                found |= {fragment(one) for one in texts}
    return found - {""}


def _choices(text: ast.expr) -> list[ast.expr]:
    return [text.body, text.orelse] if isinstance(text, ast.IfExp) else [text]


def pauses() -> set[str]:
    """Returns the reasons of pauses that stand as a word where they are set."""
    found = {"429", "outage", "operator", "reconcile"}  # set in Lua, or by a name
    for node in trees(PAUSING):
        match node:
            case ast.Call(func=ast.Attribute(attr="pause"), args=[_, ast.Constant(value=str(word)), *_]):
                found.add(word)
    return found


def kinds(error: type[ConnectorError] = ConnectorError) -> set[str]:
    return {name for one in error.__subclasses__() for name in (one.__name__, *kinds(one))}


def refused_posts() -> set[str]:
    """Returns the words by which a request is refused."""
    found: set[str] = set()
    for node in trees([*ROOT.glob("worker/web/**/*.py")]):
        match node:
            case ast.Call(func=ast.Name(id="RefusedError"), args=[_, ast.Constant(value=str(word)), *_]):
                found.add(word)
    return found


def alarming_events() -> set[str]:
    """Returns the events that are logged as a warning or an error."""
    found: set[str] = set()
    for node in trees([*modules_that_log(*(ROOT / name for name in ("connectors", "config", "worker")))]):
        match node:
            case ast.Call(func=ast.Attribute(attr="warning" | "error"), args=[ast.Constant(value=str(event))]):
                found.add(event)
    return found


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("A gap stays open", set(Reason)),
        ("A record is left alone", set(Skip)),
        ("A record waits", set(NOTES)),
        ("A call failed", kinds()),
        ("An undo leaves something", set(UndoVerdict) - {UndoVerdict.BACK}),
        ("A webhook or request is refused", refused_posts()),
        ("The log has a warning or an error", alarming_events()),
        ("Exit codes", {str(code) for name, code in vars(exit_codes).items() if name.isupper()}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_word_has_an_entry_and_no_entry_is_of_the_past(heading: str, words: set[str]) -> None:
    assert entries(heading) == {str(word) for word in words}, f"docs/troubleshooting.md, {heading}"


def test_every_pause_has_an_entry() -> None:
    assert entries("Something is paused") == pauses()


def test_every_refusal_of_settings_and_failure_of_check_has_an_entry() -> None:
    told = refusals_of_settings() | failures_of_check()
    assert len(told) > 20
    assert [one for one in sorted(told) if one not in PAGE] == [], "docs/troubleshooting.md has no such sentences"


def test_every_hint_of_a_vendor_has_an_entry_and_no_entry_is_of_the_past() -> None:
    section = PAGE.partition("## A vendor's hint\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")][1:]
    hints = hints_of_vendors()
    assert len(hints) > 30
    assert [one for one in sorted(hints) if one not in section] == [], "docs/troubleshooting.md has no such hints"
    assert [row for row in rows if not any(one in row for one in hints)] == []


def test_a_sentence_that_a_command_refuses_with_has_an_entry_or_is_found_out() -> None:
    told = [
        "refill.toml:3: unknown key web.rait",
        '{"event": "web.started"}',
        '"x" is not a HubSpot record id. Use the number',
    ]
    told[2] += " from the record's address"
    assert untold("\n".join(told)) == []
    assert untold("the moon is in the wrong house") == ["the moon is in the wrong house"]
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert [one for one in refusals_of_settings() | failures_of_check() if one.replace("`", "'") not in page] == []


def test_a_sentence_is_known_by_its_longest_fixed_piece() -> None:
    spoken = ast.parse('f"{where}{key} must be written so: {example}"', mode="eval").body
    assert fragment(spoken) == "must be written so"
    assert fragment(ast.parse("text", mode="eval").body) == ""
