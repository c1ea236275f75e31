"""``refill`` as a person runs it, against the imitated vendors: commands in this process, daemons in their own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.load import load
from tests.contract.sandbox import Sandbox
from worker import trial
from worker.cli import main
from worker.connection import open_redis
from worker.runtime import Ledger

VENDORS = ("forager", "kaspr", "openprospect", "hubspot", "salesforce")
LOOK_S, WITHIN_S = 0.05, 60.0
SMALL = ("--records", "24", "--companies", "8", "--delivered-companies", "3", "--delivered-prospects", "4")


async def until(condition: Callable[[], Any], what: str, within_s: float = WITHIN_S) -> Any:
    """The value of a condition, awaited where it can be, as soon as it is true."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"never seen: {what}"
        await asyncio.sleep(LOOK_S)


@contextlib.contextmanager
def vendors(*options: str) -> Iterator[dict[str, Sandbox]]:
    """All five in one process."""
    command = [sys.executable, "-m", "sandbox", "--limits", "demo", "--watch-stdin", *SMALL, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline() or b"{}")
            yield {name: Sandbox(name, told[name]) for name in VENDORS}
        finally:
            process.stdin.close()
            process.wait(30)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Refill:
    """One installation: a folder with refill.toml, secrets and an embedded Redis."""

    folder: Path
    vendors: Mapping[str, Sandbox]
    text: str = ""
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        served = trial.Served({name: one.info for name, one in self.vendors.items()})
        self.text, self.secrets = trial.configuration(served, "data", 0)
        self.write()

    @property
    def config(self) -> Path:
        return self.folder / "refill.toml"

    def write(self) -> None:
        trial.write(self.folder, self.text, self.secrets)

    def change(self, before: str, after: str) -> None:
        """Replace a piece of refill.toml."""
        assert before in self.text
        self.text = self.text.replace(before, after)
        self.write()

    def set(self, **secrets: str) -> None:
        """Set variables by name."""
        self.secrets |= secrets
        self.write()

    async def __call__(self, *words: str) -> Ran:
        """Run one command to its end."""
        return await asyncio.to_thread(self._run, [*words, "--config", str(self.config)])

    def _run(self, words: list[str]) -> Ran:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(words)
            except SystemExit as ended:
                code = int(ended.code or 0)
        assert "Traceback" not in out.getvalue() + err.getvalue()
        return Ran(code, out.getvalue(), err.getvalue())

    @contextlib.asynccontextmanager
    async def ledger(self) -> AsyncIterator[Ledger]:
        """The installation's own ledger; its Redis stays up meanwhile."""
        async with open_redis(load(self.config, {})) as redis:
            yield Ledger.over(redis)

    async def alone(self, *words: str) -> Ran:
        """Run one command in a process of its own: those that listen to signals want that."""
        return await asyncio.to_thread(self._alone, words)

    def _alone(self, words: tuple[str, ...]) -> Ran:
        ended = subprocess.run(
            self._words(*words), capture_output=True, text=True, env=_environment(), check=False, timeout=WITHIN_S
        )
        assert "Traceback" not in ended.stdout + ended.stderr
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def _words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "worker.cli", *words, "--config", str(self.config)]

    @contextlib.contextmanager
    def daemon(self, *words: str, files: int = 0) -> Iterator[Daemon]:
        """``up``, ``web`` or another long-running command as a process, killed in the end if it is still there.

        It may open as many ``files``, where that is said.
        """
        limited = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"] if files else []
        log = self.folder / f"{words[0]}.log"
        with (
            log.open("wb") as told,
            subprocess.Popen([*limited, *self._words(*words)], stdout=told, stderr=told, env=_environment()) as process,
        ):
            try:
                yield Daemon(process, log)
            finally:
                process.kill()


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in told if event["event"] == name]

    async def url(self) -> str:
        """Where its web process listens, as soon as it does."""
        found = await until(lambda: self.process.poll() is not None or self.events("web.started"), "web.started")
        assert isinstance(found, list), self.log.read_text(encoding="utf-8")
        return f"http://127.0.0.1:{found[0]['port']}"

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        await until(lambda: self.process.poll() is not None, "the end of the process")
        return int(self.process.returncode)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REFILL_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}
