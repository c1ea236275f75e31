from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.harness.redis import Server
from tests.integration.scene import Scene, opened


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    found.start()
    yield found
    found.close()


@pytest.fixture
async def scene(server: Server) -> AsyncIterator[Scene]:
    """An installation on a Redis of its own."""
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), 3)
    client = Redis(unix_socket_path=str(server.socket), retry=retry, retry_on_error=[RedisConnectionError])
    async with opened(server.socket, client) as found:
        yield found
    await client.aclose()
