"""Detects a Redis that has lost data: restored from a backup, or another one altogether.

Redis counts every paid call as it is sent (``parts/epoch.lua``). Each process remembers the highest count it has seen
and mirrors it in ``data_dir/high_water``; a Redis with a lower count has lost sent calls, and sends no other until a
person has looked. Other losses are not noticed: they cost work, not money.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from connectors.batching import ended
from worker.ledger.fsync import to_disk
from worker.ledger.scripts import Scripts

_log = structlog.get_logger(__name__)


class Epoch(Struct, frozen=True):
    """Names a life of the ledger. ``sent`` paid calls were seen in it; ``generation`` 0 = nothing is known."""

    generation: int = 0
    id: str = ""
    sent: int = 0

    def outruns(self, other: Epoch) -> bool:
        """Tells whether it is further on in the same life, or a later life."""
        return (self.generation, self.sent) > (other.generation, other.sent)


class HighWater:
    """Remembers the furthest epoch seen, in memory and in a file that all processes of one ``data_dir`` share.

    The file is written before the count is acted upon, once for all counts seen in one turn of the loop, so that it
    outlives the process; ``sync`` makes it outlive the machine. Without a folder it lives in memory only.
    """

    def __init__(self, data_dir: Path | None = None) -> None:
        self._path = data_dir / "high_water" if data_dir else None
        self._seen = self._read()
        self._writing: asyncio.Future[None] | None = None

    @property
    def seen(self) -> Epoch:
        """Returns the furthest epoch that is remembered."""
        return self._seen

    def saw(self, epoch: Epoch) -> None:
        """Remember ``epoch`` if it is further on; one that nobody has begun yet has no id to recognise it by."""
        if epoch.generation and epoch.outruns(self._seen):
            self._seen = epoch
            self._write(epoch)

    async def saw_sent(self, epoch: Epoch) -> None:
        """Remember ``epoch`` as ``saw`` does, and return when the file holds it: written once a turn of the loop."""
        if epoch.generation and epoch.outruns(self._seen):
            self._seen = epoch
            if self._writing is None:
                loop = asyncio.get_running_loop()
                self._writing = loop.create_future()
                loop.call_soon(self._write_for_all, self._writing)
        if self._writing is not None:
            await ended(self._writing)

    def _write_for_all(self, waiting: asyncio.Future[None]) -> None:
        self._writing = None
        self._write(self._seen)
        waiting.set_result(None)

    async def sync(self) -> None:
        """Adopt the counts of other processes, and save the file to the disk."""
        other = self._read()
        if other.outruns(self._seen):
            self._seen = other
        elif self._seen.outruns(other):
            self._write(self._seen)
        if self._path is not None and self._path.exists():
            await asyncio.to_thread(to_disk, self._path)

    def _read(self) -> Epoch:
        if self._path is None:
            return Epoch()
        try:
            return _parse(self._path.read_bytes())
        except FileNotFoundError:
            return Epoch()
        except (OSError, ValueError):
            _log.error("epoch.unreadable")
            return Epoch()

    def _write(self, epoch: Epoch) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                try:
                    held = _parse(file.read(200) or b"0 - 0")
                except ValueError:
                    held = Epoch()
                if epoch.outruns(held):
                    os.pwrite(file.fileno(), f"{epoch.generation:010} {epoch.id:16} {epoch.sent:020}\n".encode(), 0)
        except OSError as error:
            _log.error("epoch.unwritten", error=type(error).__name__)  # memory still knows it


def _parse(content: bytes) -> Epoch:
    generation, id_, sent = content.decode("ascii").split()
    return Epoch(int(generation), id_, int(sent))


class RollbackGuard:
    """Compares Redis with the highest state seen."""

    def __init__(self, scripts: Scripts, high_water: HighWater) -> None:
        self._scripts, self.high_water = scripts, high_water

    async def behind(self) -> Epoch | None:
        """Returns how Redis has forgotten sent calls; ``None`` if it has not."""
        seen = self.high_water.seen
        word, *epoch_parts = await self._scripts.run(
            "epoch_look", generation=seen.generation, id=seen.id, sent=seen.sent, new_id=secrets.token_hex(8)
        )
        epoch = epoch_of(epoch_parts)
        if int(word):
            return epoch
        self.high_water.saw(epoch)
        return None

    async def begin(self) -> Epoch:
        """Takes Redis as it is, by a person's word.

        From now on this is the ledger, and every process that remembers more accepts it.
        """
        seen = self.high_water.seen
        parts = await self._scripts.run(
            "epoch_begin", generation=seen.generation, sent=seen.sent, new_id=secrets.token_hex(8)
        )
        self.high_water.saw(epoch_of(parts))
        return self.high_water.seen


def epoch_of(parts: Any) -> Epoch:
    """Returns an epoch as scripts give it."""
    generation, id_, sent = parts
    return Epoch(int(generation), id_.decode(), int(sent))
