"""Old journal entries leave Redis: appended to monthly JSONL where an archive is configured, and dropped.

What the archive says of a person who is to be forgotten is taken out of its files. Whoever writes in the folder holds
its lock, so that no file is put in the place of one that somebody appends to. Workers of several machines are meant to
share one folder: each erases only in the one it sees.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import structlog

from worker.journal_entries import scrub, told_of
from worker.ledger.answers import Ref
from worker.ledger.journal import Entry, Journal

PAGE = 1_000
PAGES = 100  # of one round; the next goes on
_TAIL = 65_536
_UNFINISHED = ".erasing"
_IDS = re.compile(rb'"(?:made_)?id": ?"([^"]*)"')
log = structlog.get_logger(__name__)


async def archive(journal: Journal, folder: Path | None, before_ms: int) -> int:
    """Archive and drop entries older than ``before_ms``; gives how many.

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
    """Take out of the archive what it says of the people of these records; gives how many lines that changed.

    A file that tells of one of them is written anew beside itself, line by line, and then put in its own place: a
    crash before that leaves the old one, to be erased again. Lines stay where they are, and what each tells of money
    with them. A line that a crash cut short goes: its entry is still in Redis.

    Raises:
        OSError: the archive cannot be written, or somebody else writes in it.
        ValueError: a line that seems to tell of one of them is no entry.
    """
    return await asyncio.to_thread(_erase, folder, records)


def _erase(folder: Path, records: frozenset[Ref]) -> int:
    if not folder.is_dir():
        return 0
    ids = frozenset(id.encode() for _, _, id in records)
    changed = 0
    with _alone(folder):
        for left in folder.glob(f"*{_UNFINISHED}"):
            left.unlink()
        for path in sorted(folder.glob("journal-*.jsonl")):
            with path.open("rb") as file:  # most files tell of nobody: they are only read
                touched = any(_without(line, ids, records) != line for line in file)
            if touched:
                changed += _rewrite(path, ids, records)
    return changed


def _rewrite(path: Path, ids: frozenset[bytes], records: frozenset[Ref]) -> int:
    changed, beside = 0, path.with_name(path.name + _UNFINISHED)
    with path.open("rb") as old, os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        for line in old:
            left = _without(line, ids, records)
            changed += left != line
            new.write(left)
        new.flush()
        os.fsync(new.fileno())
    beside.replace(path)
    _sync(path.parent)
    return changed


def _without(line: bytes, ids: frozenset[bytes], records: frozenset[Ref]) -> bytes:
    """The line without what it says of the people of ``records``, whose ids alone are ``ids``."""
    if not line.endswith(b"\n"):
        return b""
    if ids.isdisjoint(_IDS.findall(line)):  # a line is read only where it may be of one of them
        return line
    told = json.loads(line)
    own, named = (told["object"], told["id"]), told_of(told["entry"])
    if records.isdisjoint({(told["crm"], *own), (told["crm"], *named)}):
        return line
    return json.dumps(told | {"entry": scrub(told["entry"])}, ensure_ascii=False).encode() + b"\n"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes in the folder meanwhile: a job that was given up may still have its thread.

    Raises:
        BlockingIOError: somebody does.
    """
    with (folder / "journal.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _sync(folder: Path) -> None:
    """What was put in its place is so on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _append(folder: Path, entries: Sequence[Entry]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder):
        _append_alone(folder, entries)


def _append_alone(folder: Path, entries: Sequence[Entry]) -> None:
    for month, those in groupby(entries, key=_month):
        path = folder / f"journal-{month}.jsonl"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read()
            whole = tail[: tail.rfind(b"\n") + 1]  # a line that a crash cut short is written again
            file.truncate(size - len(tail) + len(whole))
            file.seek(0, os.SEEK_END)
            last = _order(json.loads(whole.splitlines()[-1])["key"]) if whole else (0, 0)
            file.writelines(_line(one) for one in those if _order(one.key) > last)
            file.flush()
            os.fsync(file.fileno())


def _month(entry: Entry) -> str:
    return f"{datetime.fromtimestamp(entry.at_ms / 1000, UTC):%Y-%m}"


def _order(key: str) -> tuple[int, int]:
    ms, _, place = key.partition("-")
    return int(ms), int(place)


def _line(entry: Entry) -> bytes:
    told = {"key": entry.key, "crm": entry.crm, "object": entry.object, "id": entry.id, "run": entry.run}
    return json.dumps(told | {"entry": json.loads(entry.entry)}, ensure_ascii=False).encode() + b"\n"
