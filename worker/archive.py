"""Old journal entries leave Redis: appended to monthly JSONL where an archive is configured, and dropped."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import structlog

from worker.ledger.journal import Entry, Journal

PAGE = 1_000
PAGES = 100  # of one round; the next goes on
_TAIL = 65_536
log = structlog.get_logger(__name__)


async def archive(journal: Journal, folder: Path | None, before_ms: int) -> int:
    """Archive and drop entries older than ``before_ms``; gives how many.

    A page is on the disk before it is dropped. After a crash between the two its lines are not written again.

    Raises:
        OSError: the archive cannot be written; nothing of the page is dropped.
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


def _append(folder: Path, entries: Sequence[Entry]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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
