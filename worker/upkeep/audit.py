"""Implements ``audit.jsonl``: every entry of the journal in one file, each line with the hash of the one before.

A line's hash covers its place, its record and the digest of its entry, but not the entry itself, so an erased person's
values can be removed without breaking the chain. The digest is salted, and the salt is removed with the values, so that
nobody can guess an address from it. An erasure adds a line that names the lines it changed and what it left of them, so
that a value removed or changed in any other way is found.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from msgspec import Struct

from worker.ledger.fsync import to_disk
from worker.ledger.journal.audit_heads import AuditHead, AuditHeads
from worker.ledger.journal.journal import Entry, Journal, order

NAME, ERASED = "audit.jsonl", "erased"
PAGE, PAGES = 1_000, 100  # of one round; the next goes on
_TAIL = 65_536
_CHAINED = ("seq", "prev", "key", "crm", "object", "id", "run", "digest")
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # what reading a foreign line raises


class AuditFault(Struct, frozen=True):
    """Describes a fault of line ``line`` of the file, counted from 1; 0 for the file as a whole."""

    line: int
    what: str


class AuditVerdict(Struct, frozen=True):
    """Holds the result of a check of the file. ``last`` is the key of the last entry in it."""

    lines: int = 0
    erased: int = 0
    last: str = ""
    faults: tuple[AuditFault, ...] = ()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps everybody else from writing in the folder: a job that was given up may still have its thread.

    Raises:
        BlockingIOError: somebody does.
    """
    with (folder / "journal.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


async def audit(journal: Journal, heads: AuditHeads, folder: Path) -> int:
    """Append the entries that the journal has and the file lacks; returns their number.

    A page is on the disk before Redis learns how far the file goes.

    Raises:
        OSError: the file cannot be written, or somebody else writes in the folder.
        ValueError: its last line is not one of ours.
    """
    added = 0
    for _ in range(PAGES):
        page = await journal.since(after=await asyncio.to_thread(_last_key, folder), limit=PAGE)
        if not page:
            break
        added += len(page)
        await heads.put(await asyncio.to_thread(_append, folder, page))
    return added


def audit_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the lines of the file that are entries, oldest first."""
    for _, fields in _read(folder / NAME):
        if fields and fields["entry"].get("kind") != ERASED:
            yield fields


async def verify(heads: AuditHeads, folder: Path) -> AuditVerdict:
    """Check every line of the file, and that it goes as far as Redis knows it to.

    Raises:
        OSError: it cannot be read.
    """
    return await asyncio.to_thread(check, folder / NAME, await heads.all())


def check(path: Path, heads: Mapping[str, AuditHead]) -> AuditVerdict:
    """Check a file against itself and the known ends of chains, by the hash of their first line."""
    faults: list[AuditFault] = []
    vouched: dict[int, set[str]] = {}
    erased: list[tuple[int, int, str]] = []  # line, place, digest of the rest
    prev, seq, first, last, count = "", 0, "", "", 0
    by_seq: dict[int, str] = {}
    for number, fields in _read(path):
        count = number
        if fields is None:
            faults.append(AuditFault(number, "is not a line of the audit"))
            continue
        if fields["seq"] != seq + 1:
            faults.append(AuditFault(number, f"has number {fields['seq']}; {seq + 1} is missing"))
        elif fields["prev"] != prev:
            faults.append(AuditFault(number, "does not follow from the line before"))
        if fields["hash"] != _hash(fields):
            faults.append(AuditFault(number, "was altered: its hash is of something else"))
        entry = fields["entry"]
        if fields["salt"]:
            if _digest(fields["salt"], entry) != fields["digest"]:
                faults.append(AuditFault(number, "was altered: its entry is not the one that was written"))
            elif entry.get("kind") == ERASED:
                for place, left in entry["lines"].items():
                    vouched.setdefault(int(place), set()).add(left)
        else:
            erased.append((number, fields["seq"], _digest("", entry)))
        first = first or fields["hash"]
        prev, seq, last = fields["hash"], fields["seq"], fields["key"]
        by_seq[seq] = prev
    faults += [
        AuditFault(number, "was altered: its values are gone, and no erasure took them")
        for number, place, left in erased
        if left not in vouched.get(place, ())
    ]
    head = heads.get(first)
    if heads and not first:
        faults.append(AuditFault(0, "is missing"))
    elif heads and head is None:
        faults.append(AuditFault(0, "does not begin with a line that Refill has written"))
    elif head is not None and by_seq.get(head.seq) != head.hash:
        faults.append(
            AuditFault(0, f"ends at number {seq} and went to {head.seq}" if seq < head.seq else "was altered")
        )
    return AuditVerdict(count, len(erased), last, tuple(sorted(faults, key=lambda one: one.line)))


def erase_audit(folder: Path, scrubbed: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]) -> int:
    """Remove values from the file; the caller is ``alone`` in the folder. Returns how many lines that changed.

    ``scrubbed`` returns the rest of an entry, ``None`` for one that stays. The file is rewritten beside itself.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / NAME
    if not path.exists():
        return 0
    left = {
        fields["seq"]: rest
        for _, fields in _read(path)
        if fields and fields["entry"].get("kind") != ERASED
        for rest in [scrubbed(fields)]
        if rest is not None and rest != fields["entry"]
    }
    if not left:
        return 0
    beside = path.with_name(f"{NAME}.erasing")
    beside.unlink(missing_ok=True)
    end: dict[str, Any] = {}
    with path.open("rb") as old, os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        for line in old:
            fields = _fields(line)
            if fields and fields["seq"] in left:
                line = _line(fields | {"salt": "", "entry": left[fields["seq"]]})  # noqa: PLW2901
            end = fields or end
            if line.endswith(b"\n"):
                new.write(line)
        lines = {str(place): _digest("", rest) for place, rest in left.items()}
        where = {"key": end["key"], "crm": "", "object": "", "id": "", "run": ""}
        new.write(_line(_chained(end, where, {"kind": ERASED, "lines": lines})))
        new.flush()
        os.fsync(new.fileno())
    beside.replace(path)
    to_disk(folder)
    return len(left)


def _append(folder: Path, entries: Sequence[Entry]) -> AuditHead:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        alone(folder),
        os.fdopen(os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file,
    ):
        end, last = _last_line(file)
        file.truncate(end)  # a line that a crash cut short is written again
        file.seek(end)
        for one in entries:
            if last is None or order(one.key) > order(last["key"]):
                where = {"key": one.key, "crm": one.crm, "object": one.object, "id": one.id, "run": one.run}
                last = _chained(last, where, json.loads(one.entry))
                file.write(_line(last))
        file.flush()
        os.fsync(file.fileno())
        if last is None:
            raise ValueError("no line was written")
        file.seek(0)
        first = _fields(file.readline()) or last
    return AuditHead(first["hash"], last["seq"], last["hash"])


def _last_key(folder: Path) -> str:
    try:
        with (folder / NAME).open("rb") as file:
            last = _last_line(file)[1]
    except FileNotFoundError:
        return ""
    return last["key"] if last else ""


def _last_line(file: Any) -> tuple[int, dict[str, Any] | None]:
    """Returns the end of the last whole line, and its content.

    Raises:
        ValueError: it is not a line of ours: nothing may be chained to it.
    """
    size, back = file.seek(0, os.SEEK_END), _TAIL
    while size:
        start = max(0, size - back)
        file.seek(start)
        tail = file.read()
        end = tail.rfind(b"\n") + 1
        lines = tail[:end].splitlines()[bool(start) :]  # the first may begin before
        if lines:
            fields = _fields(lines[-1])
            if fields is None:
                raise ValueError("the last line is not a line of the audit; run refill journal verify")
            return start + end, fields
        if not start:
            break
        back *= 4
    return 0, None


def _chained(last: Mapping[str, Any] | None, where: Mapping[str, str], entry: Mapping[str, Any]) -> dict[str, Any]:
    salt = token_hex(16)
    place = {"seq": last["seq"] + 1, "prev": last["hash"]} if last else {"seq": 1, "prev": ""}
    fields: dict[str, Any] = {**place, **where, "salt": salt, "digest": _digest(salt, entry), "entry": dict(entry)}
    return {**fields, "hash": _hash(fields)}


def _hash(fields: Mapping[str, Any]) -> str:
    return _sha([fields[name] for name in _CHAINED])


def _digest(salt: str, entry: Mapping[str, Any]) -> str:
    return _sha([salt, entry])


def _sha(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Lines by number, ``None`` for foreign ones; a partial last line that a crash left is omitted."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield number, _fields(line)
    except FileNotFoundError:
        return


def _fields(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
        texts = (*_CHAINED[1:], "salt", "hash")
        if (
            isinstance(found["seq"], int)
            and isinstance(found["entry"], dict)
            and all(isinstance(found[name], str) for name in texts)
        ):
            return dict(found)
    except _BROKEN:
        pass
    return None


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
