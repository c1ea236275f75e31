"""Keeps paid replies that Redis could not take on the disk until it can.

One fsynced file per ticket, ours alone to read. The spool and the embedded Redis share a disk. So a part of it is set
aside in a file that only a reply may use up, and no paid call starts once less is free than the replies in flight may
need, in bytes or in files, or if this user may not write.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import asdict

from config.counts import counted
from connectors.models import Reply
from worker.ledger.money.answers import Ref, pack, unpack
from worker.ledger.money.ticket_values import DEAREST, Granted
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import LedgerUnavailableError

SPOOL = "spool"
SET_ASIDE, NEEDED = 4 << 20, 64 << 20  # bytes; of a small file system an eighth and a quarter
NEEDED_FILES = 1_000  # each reply takes one; of a small file system a quarter
LOOK_S = 1.0
_LACKING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
T = TypeVar("T")


def sized(count: int) -> str:
    """Returns a number of bytes as people read it."""
    return f"{count >> 20} MiB" if count >= 10 << 20 else f"{count >> 10} KiB"


class Room:
    """Keeps space and a descriptor on one folder's disk free for replies that are paid for. ``clock`` gives seconds."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._looked_at, self._enough = float("-inf"), True
        self._descriptor: int | None = None

    def enough(self) -> bool:
        """Returns whether a paid call may start; looked up at most once a second."""
        if self._clock() - self._looked_at >= LOOK_S:
            self._looked_at = self._clock()
            self._enough = not self.lacking()
            if self._enough:
                self._set_aside()
        return self._enough

    def lacking(self) -> str:
        """Returns why no paid call may start; ``""`` if there is room."""
        shut = next((path for path in self._places() if not os.access(path, os.W_OK | os.X_OK)), None)
        if shut is not None:
            return f"{shut} cannot be written by this user, so no paid call starts"
        if self.free() < self.needed():
            free, needed = sized(self.free()), sized(self.needed())
            return f"{free} are free under data_dir: no paid call starts below {needed}"
        disk = os.statvfs(self._existing())
        if disk.f_files and disk.f_favail < (files := min(NEEDED_FILES, disk.f_files // 4)):
            free_files = counted(disk.f_favail, "file")
            return f"{free_files} can still be made under data_dir: no paid call starts below {files}"
        return ""

    def free(self) -> int:
        """Returns the bytes that are free to us besides the reserve."""
        disk = os.statvfs(self._existing())
        return disk.f_bavail * disk.f_frsize

    def needed(self) -> int:
        """Returns the bytes that have to be free for a paid call to start."""
        return min(NEEDED, self._total() // 4)

    def use(self, write: Callable[[], T]) -> T:
        """Runs ``write``; if the disk or the descriptors are used up, once more with the reserve.

        Raises:
            OSError: it failed for another reason, or even that was not enough.
        """
        try:
            return write()
        except OSError as error:
            if error.errno not in _LACKING:
                raise
            self._give_up()
            return write()

    def _set_aside(self) -> None:
        if self._descriptor is None:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(os.devnull, os.O_RDONLY)
        size = min(SET_ASIDE, self._total() // 8)
        if self._file.exists() and self._file.stat().st_size == size:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(file, 0, size)
                os.ftruncate(file, size)
            finally:
                os.close(file)

    def _give_up(self) -> None:
        self._looked_at, self._enough = self._clock(), False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self._folder / "spool.room"

    def _places(self) -> tuple[Path, ...]:
        """Returns the folders that a reply is written in, as far as they are there."""
        spool = self._folder / SPOOL
        return (self._existing(), spool) if spool.exists() else (self._existing(),)

    def _existing(self) -> Path:
        """Returns the folder, or the nearest one above it that is there."""
        return next(path for path in (self._folder, *self._folder.parents) if path.exists())

    def _total(self) -> int:
        disk = os.statvfs(self._existing())
        return disk.f_blocks * disk.f_frsize


_log = structlog.get_logger(__name__)
BROKEN = ".broken"
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EINTR, errno.EAGAIN})
_LEFT_S = 60.0  # a part this old was left by a process that died before it gave it its name


class Loaded(Struct, frozen=True):
    """Tells how many replies Redis has now, and which records waited for them."""

    replies: int
    waiters: tuple[Ref, ...]


class Spool:
    """Keeps paid replies in ``data_dir/spool``.

    Several processes may write and load it at once: storing again changes nothing.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / SPOOL
        self.room = Room(data_dir)

    def pending(self) -> int:
        return len(_waiting(self._folder))

    def has_room(self) -> bool:
        """Returns whether there is room for the reply of one more paid call."""
        return self.room.enough()

    def broken(self) -> int:
        """Returns how many replies were set aside because they could not be loaded; their tickets are uncertain."""
        return len(list(self._folder.glob(f"*{BROKEN}")))

    async def keep(
        self, ticket: Granted, reply: Reply, *, credits: int, hit: bool, keep_ms: int, unpriced: bool = False
    ) -> None:
        """Return when the reply is on the disk.

        Raises:
            OSError: the disk cannot take it either.
        """
        facts = asdict(ticket) | {"fields": sorted(ticket.fields), "credits": credits, "hit": hit, "keep_ms": keep_ms}
        facts |= {"unpriced": True} if unpriced else {}
        content = json.dumps(facts, separators=(",", ":")).encode() + b"\n" + pack(reply)
        await asyncio.to_thread(self.room.use, lambda: _write(self._folder, ticket.ticket_id, content))

    async def load(self, desk: Desk) -> Loaded:
        """Store the spooled replies and delete each after Redis has it. A reply that Redis refuses is set aside.

        Raises:
            LedgerUnavailableError: Redis takes no writes yet; replies that it has not taken stay.
        """
        replies, waiters = 0, dict[Ref, None]()
        for path in await asyncio.to_thread(_waiting, self._folder):
            try:
                content = await asyncio.to_thread(_content, path)
                if content is None:
                    continue
                ticket, reply, price, hit, keep_ms, unpriced = _parse(content)
                ended = await desk.store(ticket, reply, credits=price, hit=hit, keep_ms=keep_ms, unpriced=unpriced)
            except LedgerUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - one file that nobody can load must not keep the others back
                _log.error("spool.unloadable", ticket=path.stem, error=type(error).__name__)
                await self._moved(path, lambda path: path.replace(path.with_suffix(BROKEN)))
                continue
            await self._moved(path, lambda path: path.unlink(missing_ok=True))
            replies += 1
            waiters |= dict.fromkeys(ended.waiters)
        return Loaded(replies, tuple(waiters))

    async def _moved(self, path: Path, move: Callable[[Path], object]) -> None:
        """Moves a file out of the way; one that stays is loaded again the next time, which changes nothing."""
        try:
            await asyncio.to_thread(move, path)
        except OSError as error:
            _log.error("spool.stays", ticket=path.stem, error=type(error).__name__)


def _content(path: Path) -> bytes | None:
    """Returns a file's content; ``None`` if another process has loaded it, or it cannot be read just now.

    Raises:
        OSError: it is not one that this process can ever read.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise IsADirectoryError  # or a pipe, or a link to an unknown place
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _PASSING:
            return None
        raise


def _waiting(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.reply"), *(path for path in folder.glob("*.part") if _left(path))])


def _left(part: Path) -> bool:
    try:
        return part.stat().st_mtime < time.time() - _LEFT_S
    except FileNotFoundError:  # it has its name by now
        return False


def _parse(content: bytes) -> tuple[Granted, Reply, int, bool, int, bool]:
    line, _, packed = content.partition(b"\n")
    facts = json.loads(line)
    price, hit, keep_ms = int(facts.pop("credits")), bool(facts.pop("hit")), int(facts.pop("keep_ms"))
    unpriced = bool(facts.pop("unpriced", False)) or not 0 <= price <= DEAREST
    sets = {"fields": frozenset(facts["fields"]), "lines": tuple(facts["lines"])}
    facts |= sets | {"subjects": tuple(facts.get("subjects", ()))}
    return Granted(**facts), unpack(packed), price, hit, keep_ms, unpriced


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f"{name}.{os.getpid()}.part"
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(folder / f"{name}.reply")
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)  # the name too
    finally:
        os.close(held)
