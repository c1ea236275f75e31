"""Runs ``refill`` as a person does, on imitated vendors: commands in this process, daemons in their own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.load import load
from tests.harness import forked
from tests.harness.canaries import CANARIES, SECRET
from tests.harness.sandbox import Sandbox
from tests.harness.steering import steering
from tests.harness.told import untold
from tests.harness.workers import Process, environment
from worker.cli import main
from worker.commands import trial
from worker.ledger.ledger import Ledger
from worker.manual.exit_codes import FAILED, WRONG_USE
from worker.redis.connection import open_redis

WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """Tells how a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def is_fit_to_be_seen(self) -> None:
        """Checks that no command shows a traceback, a character that steers the terminal, or a secret."""
        assert "Traceback" not in self.out + self.err
        assert not steering(self.out + self.err), self
        CANARIES.look("what a command said", self.out + self.err, [SECRET])
        for line in self.err.splitlines():
            if line.startswith("{"):
                CANARIES.look("what a command logged", line)
        if self.code in {FAILED, WRONG_USE}:
            assert not (found := untold(self.err)), f"docs/messages.md has no such sentences: {found}"


def run(words: Sequence[str]) -> Ran:
    """Run one command to its end in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    ran = Ran(code, out.getvalue(), err.getvalue())
    ran.is_fit_to_be_seen()
    return ran


@dataclass(slots=True)
class Refill:
    """Holds one installation: a folder with refill.toml, secrets and an embedded Redis."""

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
        for name, secret in self.secrets.items():
            if name.endswith(("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")):
                CANARIES.add(SECRET, name, secret)
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
        return await asyncio.to_thread(run, [*words, "--config", str(self.config)])

    @contextlib.asynccontextmanager
    async def ledger(self) -> AsyncIterator[Ledger]:
        """Yields the installation's own ledger; its Redis stays up meanwhile."""
        async with open_redis(load(self.config, {})) as redis:
            yield Ledger.over(redis)

    async def alone(self, *words: str) -> Ran:
        """Run one command in a process of its own: those that listen to signals want that."""
        return await asyncio.to_thread(self._alone, words)

    def _alone(self, words: tuple[str, ...]) -> Ran:
        line = (*words, "--config", str(self.config))
        ended = forked.run("worker.cli", *line, env=environment(), timeout=WITHIN_S)
        told = Ran(ended.returncode, ended.stdout, ended.stderr)
        told.is_fit_to_be_seen()
        return told

    @contextlib.contextmanager
    def daemon(self, *words: str, files: int = 0) -> Iterator[Process]:
        """Yields ``up``, ``web`` or another long-running command as a process, ended if it is still there.

        It may open as many ``files``, where that is said.
        """
        daemon = Process.start(self.config, *words, log=self.folder / f"{words[0]}.log", files=files)
        try:
            yield daemon
        finally:
            daemon.end()
