"""The loops beside a worker's jobs go on whatever one of their rounds ends with."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from worker.ledger.scripts import LedgerUnavailableError
from worker.service.lifecycle import _beside, _every


@pytest.mark.parametrize("error", [LedgerUnavailableError("TimeoutError"), KeyError("surprise")])
async def test_a_round_that_fails_is_followed_by_the_next(error: Exception) -> None:
    rounds, again = 0, asyncio.Event()

    async def step() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise error
        again.set()

    loop = asyncio.create_task(_every(0.001, step))
    async with asyncio.timeout(5):
        await again.wait()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def test_a_loop_that_swallows_its_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def loop() -> None:
        nonlocal swallowed
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        swallowed += 1
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with _beside(loop()):
            await asyncio.sleep(0)
    assert swallowed == 1
