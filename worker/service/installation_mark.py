"""Keeps the mark of an installation: made by its first start, stored in its Redis and in each of its data folders.

It distinguishes the folders of two installations whose configurations are the same: a folder that has
worked on another Redis belongs to that installation. A folder without a mark takes that of the Redis, so that
containers and hosts may come and go.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import structlog

_NAME = "installation"
_MARK = re.compile(r"[0-9a-f]{16}")
log = structlog.get_logger(__name__)


def file_of(data_dir: Path) -> Path:
    """Returns the path of a folder's mark."""
    return data_dir / _NAME


def held(data_dir: Path) -> str:
    """Returns the mark of a folder, ``""`` if it has no readable one."""
    try:
        text = file_of(data_dir).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return text if _MARK.fullmatch(text) else ""


def keep(data_dir: Path, mark: str) -> None:
    """Writes a folder's mark; one that cannot be written is reported in the log and does without."""
    path = file_of(data_dir)
    beside = path.with_name(f"{_NAME}.{os.getpid()}")
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(f"{mark}\n")
        beside.replace(path)
    except OSError as error:
        log.warning("installation.unwritten", error=type(error).__name__)
        with contextlib.suppress(OSError):
            beside.unlink()
