"""A real Redis per test session, an empty one per test. Without a server the run fails, it does not skip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.harness.installation import Refill
from tests.harness.redis import Operated, Server, bind_to_rule, debugging, running
from tests.harness.sandbox import Sandbox
from tests.harness.vendors import all_vendors
from worker.ledger.scripts import Scripts


@pytest.fixture(scope="session")
def redis_socket() -> Iterator[Path]:
    """The unix socket of a Redis of this session's own, started as the product starts its embedded one.

    Who connects has the rights that docs/redis.md gives to Refill's user: the suite shows that they suffice.
    """
    searched = ("--rdbcompression", "no")  # tests search dumps and files for bytes
    with running("--appendfsync", "no", *searched, *debugging()) as server:
        bind_to_rule(server.socket)
        yield server.socket


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


@pytest.fixture(scope="session")
def one_world() -> Iterator[dict[str, Sandbox]]:
    with all_vendors() as found:
        yield found


@pytest.fixture
def vendors(one_world: dict[str, Sandbox]) -> dict[str, Sandbox]:
    """The five, without faults, with empty books and all of their rates: each test has a Redis that knows of none."""
    for vendor in one_world.values():
        vendor.calm()
        vendor.control("reset-limits", {})
    return one_world


@pytest.fixture
def unfilled() -> Iterator[dict[str, Sandbox]]:
    """A world of the test's own: in the shared one, other tests may have filled every gap."""
    with all_vendors() as found:
        yield found


@pytest.fixture
def refill(tmp_path: Path, vendors: dict[str, Sandbox]) -> Refill:
    return Refill(tmp_path, vendors)


@pytest.fixture
def fresh(tmp_path: Path, unfilled: dict[str, Sandbox]) -> Refill:
    """An installation whose world nobody else has filled."""
    return Refill(tmp_path, unfilled)


@pytest.fixture
def searched() -> Iterator[Server]:
    """A Redis of the test's own, whose files can be searched for bytes."""
    server = Server(options=("--rdbcompression", "no"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scripts(redis: Redis, clock: Clock) -> Scripts:
    """The ledger's scripts on the test's own time."""
    return Scripts(redis, clock=clock)
