"""A Redis of a test's own, which it may kill, fill, make read-only, or put back to what it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.conftest import answers, server_program

START_S = 20.0


@dataclass(slots=True)
class Server:
    """``folder`` holds the socket and what the server has on the disk."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="refill-")))
    options: Sequence[str] = ()  # over those of a safe server
    _process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    def start(self) -> None:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        settings = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(data), "--save", ""]
        settings += ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        self._process = subprocess.Popen(
            [server_program(), *settings, *self.options], stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}
        )
        deadline = time.monotonic() + START_S
        while not answers(self.socket):
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        """Signal the process."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def back_up(self) -> Path:
        """A copy of what is on the disk; nothing may be written meanwhile."""
        copy = self.folder / "backup"
        shutil.copytree(self.folder / "data", copy)
        return copy

    def restore(self, copy: Path) -> None:
        """Kill it and go on from the copy."""
        self.kill()
        shutil.rmtree(self.folder / "data")
        shutil.copytree(copy, self.folder / "data")
        self.start()

    @property
    def _aof(self) -> Path:
        """The file that commands are appended to; servers before 7 have one, later ones a folder of them."""
        data = self.folder / "data"
        found = sorted(data.glob("appendonlydir/*.incr.aof")) or [data / "appendonly.aof"]
        return found[-1]

    def length(self) -> int:
        """Bytes of commands on the disk."""
        return self._aof.stat().st_size

    def cut(self, length: int) -> None:
        """Leave only so many bytes of them; the server is dead."""
        os.truncate(self._aof, length)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server of a test's own while the block runs."""
    server = Server(options=options)
    try:
        server.start()
        yield server
    finally:
        server.close()
