"""Finds files with secrets that every user of the machine can read."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterable
from pathlib import Path


def exposed(files: Iterable[Path]) -> tuple[str, ...]:
    """Returns one sentence, with the command that fixes it, per file that others than its owner and group can read.

    A file in a folder that others cannot enter is safe whatever its own mode, so the folder counts too. The group may
    read: container platforms mount secrets for a group.
    """
    return tuple(
        f"{file} holds secrets and every user of this machine can read it: run chmod o-rwx {shlex.quote(str(file))}"
        for file in dict.fromkeys(files)
        if _others_may(file, stat.S_IROTH) and _others_may(file.parent, stat.S_IXOTH)
    )


def _others_may(path: Path, right: int) -> bool:
    try:
        return bool(path.stat().st_mode & right)
    except OSError:
        return False  # a file that is not there is somebody else's sentence
