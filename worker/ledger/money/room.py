"""Keeps space and a descriptor free for replies that are already paid for.

The spool and the embedded Redis share a disk. So a part of it is set aside in a file that only a reply may use up, and
no paid call starts once less is free than the replies in flight may need, in bytes or in files, or where this user may
not write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

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
    """Measures the room on one folder's disk. ``clock`` gives seconds."""

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
        """Returns why no paid call may start; ``""`` where there is room."""
        shut = next((path for path in self._places() if not os.access(path, os.W_OK | os.X_OK)), None)
        if shut is not None:
            return f"{shut} cannot be written by this user, so no paid call starts"
        if self.free() < self.needed():
            free, needed = sized(self.free()), sized(self.needed())
            return f"{free} are free under data_dir: no paid call starts below {needed}"
        disk = os.statvfs(self._existing())
        if disk.f_files and disk.f_favail < (files := min(NEEDED_FILES, disk.f_files // 4)):
            return f"{disk.f_favail} files can still be made under data_dir: no paid call starts below {files}"
        return ""

    def free(self) -> int:
        """Returns the bytes that are free to us beside what is set aside."""
        disk = os.statvfs(self._existing())
        return disk.f_bavail * disk.f_frsize

    def needed(self) -> int:
        """Returns the bytes that have to be free for a paid call to start."""
        return min(NEEDED, self._total() // 4)

    def use(self, write: Callable[[], T]) -> T:
        """Runs ``write``; where the disk or the descriptors are used up, once more with what was set aside.

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
