"""Archives old journal entries: appended to monthly JSONL if an archive is configured, and dropped from Redis.

Lines about an erased person are removed from the archive's files. A process that writes there holds
its lock, so that no file is put in the place of one that somebody appends to. Workers of several machines are meant to
share one folder: each erases only in the one it sees.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from config.counts import counted
from worker.ledger.fsync import to_disk
from worker.ledger.journal.journal import Entry, Journal, order
from worker.ledger.money.answers import Ref
from worker.upkeep.audit import alone, erase_audit
from worker.visits.journal_entries import scrub, subject_of

PAGE = 1_000
PAGES = 100  # of one round; the next goes on
_TAIL = 65_536
_UNFINISHED = ".erasing"
_IDS = re.compile(rb'"(?:made_)?id": ?"([^"]*)"')
_NO_ENTRY = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # what reading a foreign line raises
log = structlog.get_logger(__name__)


async def archive(journal: Journal, folder: Path | None, before_ms: int) -> int:
    """Archives and drops entries older than ``before_ms``; gives how many.

    A page is on the disk before it is dropped. After a crash between the two its lines are not written again.

    Raises:
        OSError: the archive cannot be written, or somebody else writes in it; nothing of the page is dropped.
    """
    gone = 0
    for _ in range(PAGES):
        entries = await journal.before(before_ms, limit=PAGE)
        if not entries:
            break
        if folder is not None:
            await asyncio.to_thread(_append, folder, entries)
        gone += await journal.drop(entries)
    if gone:
        log.info("journal.archived", entries=gone, kept_on_disk=folder is not None)
    return gone


async def erase_lines(folder: Path, records: frozenset[Ref]) -> int:
    """Remove the texts about the people of these records from the archive; returns how many lines that changed.

    A file that names one of them is rewritten beside itself, line by line, and then replaced: a
    crash before that leaves the old one, to be erased again. Lines keep their order, and their money
    with them. A line that a crash cut short goes: its entry is still in Redis.

    Raises:
        OSError: the archive cannot be written, or somebody else writes in it.
        ValueError: lines that seem to name one of them are not entries; everything else is erased.
    """
    return await asyncio.to_thread(_erase, folder, records)


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the archive's entries, oldest file first; lines that are not entries are skipped."""
    for path in sorted(folder.glob("journal-*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                with suppress(*_NO_ENTRY):
                    fields = json.loads(line)
                    yield {name: fields[name] for name in ("key", "crm", "object", "id", "run", "entry")}


def _erase(folder: Path, records: frozenset[Ref]) -> int:
    if not folder.is_dir():
        return 0
    ids = frozenset(id.encode() for _, _, id in records)
    changed = strange = 0
    with alone(folder):
        for left in folder.glob(f"*{_UNFINISHED}"):
            left.unlink()
        for path in sorted(folder.glob("journal-*.jsonl")):
            changes, strangers = _count(path, ids, records)  # most files name none of them: they are only read
            if changes:
                _rewrite(path.resolve(), ids, records)
            changed += changes
            strange += strangers
        changed += erase_audit(folder, partial(_left_of, records=records))
    if strange:
        raise ValueError(f"{counted(strange, 'line is no entry', 'lines are no entries')}")
    return changed


def _count(path: Path, ids: frozenset[bytes], records: frozenset[Ref]) -> tuple[int, int]:
    """Counts lines that name somebody, and lines that may and cannot be read."""
    changed = strange = 0
    with path.open("rb") as file:
        for line in file:
            left = _without(line, ids, records)
            changed += left not in {line, None}
            strange += left is None
    return changed, strange


def _rewrite(path: Path, ids: frozenset[bytes], records: frozenset[Ref]) -> None:
    beside = path.with_name(path.name + _UNFINISHED)
    beside.unlink(missing_ok=True)
    with path.open("rb") as old, os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        for line in old:
            left = _without(line, ids, records)
            new.write(line if left is None else left)
        new.flush()
        os.fsync(new.fileno())
    beside.replace(path)
    to_disk(path.parent)


def _without(line: bytes, ids: frozenset[bytes], records: frozenset[Ref]) -> bytes | None:
    """Returns the line without its texts about the people of ``records``, whose ids alone are ``ids``.

    ``None``: no entry.
    """
    if not line.endswith(b"\n"):
        return b""
    if ids.isdisjoint(_IDS.findall(line)):  # a line is parsed only if it may be about one of them
        return line
    try:
        fields = json.loads(line)
        left = _left_of(fields, records)
        return line if left is None else json.dumps(fields | {"entry": left}, ensure_ascii=False).encode() + b"\n"
    except _NO_ENTRY:
        return None


def _left_of(fields: Mapping[str, Any], records: frozenset[Ref]) -> Mapping[str, Any] | None:
    """Returns what an erasure leaves of an entry; ``None`` if it is about nobody among ``records``."""
    own, named = (fields["object"], fields["id"]), subject_of(fields["entry"])
    mine = {(fields["crm"], *own), (fields["crm"], *named)}
    return None if records.isdisjoint(mine) else scrub(fields["entry"])


def _append(folder: Path, entries: Sequence[Entry]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(folder):
        _append_alone(folder, entries)


def _append_alone(folder: Path, entries: Sequence[Entry]) -> None:
    for month, those in groupby(entries, key=lambda entry: f"{datetime.fromtimestamp(entry.at_ms / 1000, UTC):%Y-%m}"):
        path = folder / f"journal-{month}.jsonl"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            end, last = _last_line(file)
            file.truncate(end)  # a line that a crash cut short is written again
            file.seek(end)
            file.writelines(_line(one) for one in those if order(one.key) > last)
            file.flush()
            os.fsync(file.fileno())


def _last_line(file: BinaryIO) -> tuple[int, tuple[int, int]]:
    """Returns the end of the last whole line, and the order of the last entry, which foreign lines may follow."""
    size, back = file.seek(0, os.SEEK_END), _TAIL
    while True:
        start = max(0, size - back)
        file.seek(start)
        tail = file.read()
        end = tail.rfind(b"\n") + 1
        for line in reversed(tail[:end].splitlines()[bool(start) :]):  # the first may begin before
            with suppress(*_NO_ENTRY):
                return start + end, order(json.loads(line)["key"])
        if not start:
            return end, (0, 0)
        back *= 4


def _line(entry: Entry) -> bytes:
    fields = {"key": entry.key, "crm": entry.crm, "object": entry.object, "id": entry.id, "run": entry.run}
    return json.dumps(fields | {"entry": json.loads(entry.entry)}, ensure_ascii=False).encode() + b"\n"
