"""Runs ``refill`` as processes of their own, and reads their logs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import forked
from tests.harness.canaries import CANARIES
from tests.harness.forked import Program
from tests.harness.until import WITHIN_S, until


def words(config: Path, *command: str) -> list[str]:
    """Returns a command line of the checkout, with a configuration."""
    return [sys.executable, "-m", "worker.cli", *command, "--config", str(config)]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns this process's environment without any setting of Refill but ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REFILL_")}
    return {**kept, **(more or {})}


@dataclass(frozen=True, slots=True)
class Process:
    """Runs a command until it is told to stop: ``worker``, ``web``, ``up`` or a long one."""

    process: Program
    log: Path

    @classmethod
    def start(cls, config: Path, *command: str, log: Path, files: int = 0) -> Process:
        """Start it, and do not wait for it. It may open as many ``files``, where that is said."""
        env, none = environment(), subprocess.DEVNULL
        with log.open("wb") as told:
            CANARIES.look_at_end(log)
            if files:
                line = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *words(config, *command)]
                process: Program = subprocess.Popen(line, stdin=none, stdout=told, stderr=told, env=env)
            else:
                file = told.fileno()
                process = forked.start(
                    "worker.cli", *command, "--config", str(config), stdin=none, stdout=file, stderr=file, env=env
                )
        return cls(process, log)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def started(self) -> bool:
        """Tells whether its worker works."""
        return bool(self.events("worker.started"))

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Returns what it logged, of one event or all."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in told if name in {"", event["event"]}]

    async def url(self) -> str:
        """Returns where its web process listens, as soon as it does."""
        await until(lambda: self.process.poll() is not None or self.events("web.started"), "web.started")
        listening = self.events("web.started")
        assert listening, self.log.read_text(encoding="utf-8")
        return f"http://127.0.0.1:{listening[0]['port']}"

    def signal(self, number: signal.Signals) -> None:
        """Signals it, if it lives."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kills it: it gets no chance to say anything (SIGKILL)."""
        self.process.kill()
        self.process.wait()

    def end(self, within_s: float = 5.0) -> None:
        """Ends it by SIGTERM, which ends a Redis of its own too; SIGKILL if that does nothing."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(within_s)
        self.kill()

    def terminate(self) -> None:
        self.process.terminate()

    async def drained(self) -> None:
        """Ends it in good order."""
        self.terminate()
        assert await self.ended() == 0

    async def ended(self, within_s: float = WITHIN_S) -> int:
        """Returns its exit code, once it has ended."""
        await until(lambda: self.process.poll() is not None, "the end of the process", within_s)
        return self.process.wait()
