"""Faults by level and seed: the same ones again for the same seed, about as many as the level says, on every route."""

from __future__ import annotations

from collections import Counter
from typing import Any

import aiohttp
import pytest

from sandbox.options import Options
from sandbox.serve import running
from sandbox.weather import PROBABILITY

CALLS = 300
KEY = {"X-API-KEY": "forager-sandbox-key", "User-Agent": "test"}


async def faults_of(level: str, seed: int, path: str = "/api/users/current/", calls: int = CALLS) -> list[str]:
    """Returns what each of ``calls`` requests met, ``""`` for nothing. A hang is let go at once."""
    options = Options(vendors=("forager",), faults=level, seed=seed, records=4, companies=2)
    async with running(options) as vendors, aiohttp.ClientSession(headers=KEY) as session:
        vendor = vendors["forager"]
        for _ in range(calls):
            try:
                async with session.get(f"{vendor.base_url}{path}", timeout=aiohttp.ClientTimeout(total=0.2)) as reply:
                    await reply.read()
            except (aiohttp.ClientError, TimeoutError):
                continue
        return [entry.fault for entry in vendor.books.requests]


async def test_equal_seeds_bring_equal_faults_whatever_other_routes_get() -> None:
    first = await faults_of("medium", 7, calls=120)
    assert first == await faults_of("medium", 7, calls=120)
    assert first != await faults_of("medium", 8, calls=120)
    assert first != await faults_of("medium", 7, "/api/api_keys/", calls=120)


@pytest.mark.parametrize("level", ["light", "medium", "heavy"])
async def test_a_level_is_about_its_share_of_requests(level: str) -> None:
    struck = [fault for fault in await faults_of(level, 3) if fault]
    wanted = PROBABILITY[level] * CALLS
    assert wanted / 3 <= len(struck) + 1 <= wanted * 2 + 2
    if level == "heavy":
        assert len(Counter(struck)) >= 4


async def test_without_a_level_nothing_fails() -> None:
    assert not any(await faults_of("none", 7, calls=50))


async def test_the_control_api_begins_and_ends_it() -> None:
    async with running(Options(vendors=("kaspr",), records=4, companies=2)) as vendors:
        vendor = vendors["kaspr"]
        async with aiohttp.ClientSession() as session:

            async def say(body: dict[str, Any]) -> int:
                async with session.post(f"{vendor.origin}/_sandbox/weather", json=body) as reply:
                    return reply.status

            assert await say({"level": "heavy", "seed": 7}) == 200
            assert vendor.faults.weather is not None
            assert await say({"level": "storm"}) == 400
            assert await say({"level": "none"}) == 200
            assert vendor.faults.weather is None
