"""Keeps the audit file whole while nobody touches it and after an erasure, and shows whoever does that it broke."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.clock import Clock
from worker.ledger.journal.audit_heads import AuditHeads
from worker.ledger.journal.journal import Journal
from worker.ledger.scripts import Scripts
from worker.upkeep.archive import erase_lines
from worker.upkeep.audit import NAME, audit, verify


async def journalled(scripts: Scripts, ids: str, begin: int = 0) -> None:
    for number, id_ in enumerate(ids, begin):
        entry = json.dumps({"kind": "change", "field": "work_email", "after": f"{id_}@acme.example", "at": number})
        await Journal(scripts).append("acme", "contact", id_, "run", [entry], token=f"t{number}")


async def kept(scripts: Scripts, folder: Path) -> list[str]:
    await audit(Journal(scripts), AuditHeads(scripts), folder)
    return (folder / NAME).read_text("utf-8").splitlines(keepends=True)


async def faults(scripts: Scripts, folder: Path) -> list[int]:
    return [one.line for one in (await verify(AuditHeads(scripts), folder)).faults]


async def test_every_entry_is_appended_once_in_a_whole_chain(scripts: Scripts, clock: Clock, tmp_path: Path) -> None:
    await journalled(scripts, "abc")
    assert len(await kept(scripts, tmp_path)) == 3
    await journalled(scripts, "de", 3)
    lines = await kept(scripts, tmp_path)
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert await kept(scripts, tmp_path) == lines
    assert await faults(scripts, tmp_path) == []


Spoil = Callable[[list[str]], list[str]]
SPOILED: dict[str, Spoil] = {
    "altered": lambda lines: [*lines[:1], lines[1].replace("b@acme", "x@acme"), *lines[2:]],
    "blanked": lambda lines: [*lines[:1], _blanked(lines[1]), *lines[2:]],
    "removed": lambda lines: [*lines[:1], *lines[2:]],
    "first removed": lambda lines: lines[1:],
    "last removed": lambda lines: lines[:-1],
    "all removed": lambda lines: lines[:0],
    "swapped": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "doubled": lambda lines: [*lines[:2], *lines[1:]],
    "foreign": lambda lines: [*lines[:2], "a note\n", *lines[2:]],
}


def _blanked(line: str) -> str:
    fields = json.loads(line)
    return json.dumps(fields | {"salt": "", "entry": fields["entry"] | {"after": ""}}) + "\n"


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
async def test_a_line_that_is_missing_or_was_altered_is_found(scripts: Scripts, tmp_path: Path, spoil: Spoil) -> None:
    await journalled(scripts, "abcd")
    (tmp_path / NAME).write_text("".join(spoil(await kept(scripts, tmp_path))), "utf-8")
    assert await faults(scripts, tmp_path) != []


async def test_an_erasure_takes_the_values_and_the_chain_stays_whole(scripts: Scripts, tmp_path: Path) -> None:
    await journalled(scripts, "abab")
    await kept(scripts, tmp_path)
    who = frozenset({("acme", "contact", "b")})
    assert await erase_lines(tmp_path, who) == 2
    assert await erase_lines(tmp_path, who) == 0
    text = (tmp_path / NAME).read_text("utf-8")
    assert "b@acme" not in text
    assert text.count("a@acme") == 2
    assert await faults(scripts, tmp_path) == []
    await journalled(scripts, "c", 4)
    lines = await kept(scripts, tmp_path)
    assert len(lines) == 6
    assert await faults(scripts, tmp_path) == []
    bare = [line for line in lines if json.loads(line)["entry"]["kind"] != "erased"]
    (tmp_path / NAME).write_text("".join(bare), "utf-8")
    assert await faults(scripts, tmp_path) != []


@pytest.mark.parametrize("cut", [1, 20])
async def test_a_line_that_a_crash_cut_short_is_written_again(scripts: Scripts, tmp_path: Path, cut: int) -> None:
    await journalled(scripts, "abc")
    await kept(scripts, tmp_path)
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[:-cut])
    assert len(await kept(scripts, tmp_path)) == 3
    assert await faults(scripts, tmp_path) == []
