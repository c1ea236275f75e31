"""Runs Refill's processes until they are told to end, for the scenarios that have several."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import refill
from environments import ENV
from spending import tree_mb


class Running:
    """Holds one process; `cpu_s` is known once it is gone."""

    def __init__(self, folder: Path, env: Mapping[str, str], *command: str) -> None:
        self.cpu_s, self.peak_mb = 0.0, 0.0
        self.log = folder / "log"
        stream = self.log.open("ab")
        self.process = subprocess.Popen(
            refill.words(*command), stdout=stream, stderr=stream, cwd=folder, env={**ENV, **env}
        )
        stream.close()

    def end(self, number: int = signal.SIGTERM) -> None:
        """Signals it and waits until it is gone."""
        self.peak_mb = tree_mb(self.process.pid)
        self.process.send_signal(number)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
