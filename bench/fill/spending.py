"""Runs a command and measures its cost: CPU of it and of its children, memory, wall."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environments import ENV

LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Spent:
    """Holds CPU and wall in seconds; `peak_mb` is resident memory of the whole tree at its fullest."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    code: int
    output: str
    said: str


def spent_by(words: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, within_s: float = 3600) -> Spent:
    """Runs a command to its end.

    Raises:
        SystemExit: its time was up; it was killed.
    """
    began = time.monotonic()
    with (folder / "output").open("wb") as output, (folder / "said").open("wb") as said:
        process = subprocess.Popen(words, stdout=output, stderr=said, cwd=folder, env={**ENV, **(env or {})})
    over, peak = threading.Event(), [0.0]

    def watch() -> None:
        while not over.wait(LOOK_S):
            peak[0] = max(peak[0], tree_mb(process.pid))
            if time.monotonic() - began > within_s:
                process.kill()

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - began
    over.set()
    watcher.join()
    if wall_s > within_s:
        raise SystemExit(f"{words[0]} had not ended after {within_s:.0f} s and was killed")
    return Spent(
        usage.ru_utime + usage.ru_stime, wall_s, max(peak[0], usage.ru_maxrss / 1024), process.returncode,
        (folder / "output").read_text(encoding="utf-8", errors="replace"),
        (folder / "said").read_text(encoding="utf-8", errors="replace"),
    )  # fmt: skip


def tree_mb(pid: int) -> float:
    """Returns the resident memory of a process and its descendants."""
    total, left = 0.0, [pid]
    while left:
        one = left.pop()
        try:
            status = Path(f"/proc/{one}/status").read_text(encoding="ascii", errors="replace")
            left += map(int, Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii").split())
        except OSError:
            continue
        if "VmRSS:" in status:
            total += int(status.split("VmRSS:")[1].split()[0]) / 1024
    return total


def cpu_s(pid: int) -> float:
    """Returns the CPU seconds of a running process so far, its waited-for children included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
