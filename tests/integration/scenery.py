"""Fixtures that open a scene."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.integration.scene import Scene, opened

Open = Callable[..., Any]


@pytest.fixture
async def scene(redis_socket: Path, redis: Redis) -> AsyncIterator[Scene]:
    """The ordinary installation: Forager fills work e-mails in HubSpot, what is uncertain is never asked again."""
    async with opened(redis_socket, redis) as found:
        yield found


@pytest.fixture
async def stage(redis_socket: Path, redis: Redis) -> AsyncIterator[Open]:
    """``await stage(forager="...", kaspr="...", crm="...", fields="...")``: an installation configured otherwise."""
    async with AsyncExitStack() as stack:

        async def open_(**parts: str) -> Scene:
            return await stack.enter_async_context(opened(redis_socket, redis, parts))

        yield open_
