"""Makes steps outlive a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def to_disk(path: Path) -> None:
    """Return when a file, or the list of names that a folder is, stands on the disk."""
    held = os.open(path, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
