"""A Redis that may forget is used only when somebody insists, and then nobody can miss it."""

from __future__ import annotations

import asyncio
import json

import pytest
from httpx import ASGITransport, AsyncClient
from structlog.testing import capture_logs

from config.load import load
from config.logs import KNOWN
from config.masking import masked
from tests.integration.redis.test_restored import refill
from tests.integration.scene import Scene
from worker.redis.connection import open_redis
from worker.web.app import web_app

SENTENCE = "maxmemory-policy is allkeys-lru and must be noeviction"


@pytest.fixture
async def insisting(scene: Scene) -> Scene:
    await scene.redis.config_set("maxmemory-policy", "allkeys-lru")
    path = scene.folder / "refill.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[redis]\nallow_unsafe = true\n", encoding="utf-8")
    return scene


async def test_status_begins_with_the_danger(insisting: Scene) -> None:
    code, told = await refill(insisting, "status", "--json")
    assert (code, json.loads(told)["unsafe"]) == (0, ["Redis may evict what was paid for: " + SENTENCE])


async def test_readyz_and_metrics_tell_it(insisting: Scene) -> None:
    settings = load(insisting.folder / "refill.toml", {})
    await insisting.ledger.timetable.beat("w1", {"shut": []})
    app = web_app(insisting.ledger, settings, asyncio.Event())
    client_of = AsyncClient(transport=ASGITransport(app), base_url="http://refill")
    async with app.lifespan_context(app), client_of as client:
        ready = (await client.get("/readyz")).json()
        assert (ready["status"], [SENTENCE in one for one in ready["warnings"]]) == ("ok", [True])
        assert "refill_redis_unsafe 1.0" in (await client.get("/metrics")).text


async def test_every_start_logs_it(insisting: Scene) -> None:
    with capture_logs() as told:
        async with open_redis(load(insisting.folder / "refill.toml", {})):
            pass
    unsafe = [one for one in told if one["event"] == "redis.unsafe"]
    assert [SENTENCE in one["warning"] for one in unsafe] == [True]
    assert masked(unsafe[0]["warning"]) == unsafe[0]["warning"]
    assert "warning" in KNOWN  # or nobody could read it
