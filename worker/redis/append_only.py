"""Mends the append-only file of the embedded Redis after a power cut."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

_BEGIN, _END = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"


def drop_torn_step(folder: Path) -> int:
    """Cut a half-written step off the end of the file; returns the number of bytes.

    A script's writes are between MULTI and EXEC. Redis runs nothing of a torn one, but it drops only the torn command
    and leaves those before it in the file. Later entries are appended behind them, and the start after that runs it
    all, including the first half of a step that was never acknowledged (seen with 6.2.14).
    """
    newest = max(folder.glob("appendonlydir/*.incr.aof"), key=_number, default=folder / "appendonly.aof")
    if not newest.exists() or not newest.stat().st_size:
        return 0
    with newest.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log:
            size, begun, ended = len(log), log.rfind(_BEGIN), log.rfind(_END)
        if begun <= ended:
            return 0
        file.truncate(begun)
        os.fsync(file.fileno())
        return size - begun


def _number(path: Path) -> int:
    """Returns the number of ``appendonly.aof.<number>.incr.aof``."""
    number = path.name.split(".")[-3]
    return int(number) if number.isdigit() else 0
