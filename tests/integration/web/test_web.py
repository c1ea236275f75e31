"""Runs the web process as a process, and asks it over its port."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.installation import Refill
from tests.harness.until import until


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10) as client:
        yield client


async def status(http: httpx.AsyncClient, url: str) -> tuple[int, str]:
    answer = await http.get(url)
    return answer.status_code, answer.json()["status"]


async def test_web_alone_is_alive_says_where_to_look_and_is_ready_once_a_worker_lives(
    refill: Refill, http: httpx.AsyncClient
) -> None:
    with refill.daemon("web") as web:
        url = await web.url()
        assert await status(http, f"{url}/healthz") == (200, "ok")
        assert await status(http, f"{url}/readyz") == (503, "no worker is alive")
        answer = await http.get(f"{url}/anything/secret")
        assert answer.status_code == 404
        assert "/healthz" in answer.json()["error"]
        assert (await http.post(f"{url}/healthz")).status_code == 405
        async with refill.ledger() as ledger:
            await ledger.timetable.beat("one", {"shut": ["acme_hubspot", "acme_salesforce"]})
            assert await status(http, f"{url}/readyz") == (503, "no crm is open: run refill check")
            await ledger.timetable.beat("two", {"shut": ["acme_hubspot"]})
            assert await status(http, f"{url}/readyz") == (200, "degraded")
            told = (await http.get(f"{url}/readyz")).json()["warnings"]
            assert "acme_hubspot is not open: run refill check" in told
            await ledger.timetable.beat("three", {"shut": []})  # one worker has it open
            assert await status(http, f"{url}/readyz") == (200, "ok")
            ages = (await http.get(f"{url}/metrics")).text
            assert 'refill_poll_age_seconds{crm="acme_hubspot",object="contact"} +Inf' in ages  # never polled
        await web.drained()
    assert "secret" not in web.log.read_text(encoding="utf-8")  # no access log prints paths


async def test_up_is_ready_works_counts_and_ends_in_good_order(fresh: Refill, http: httpx.AsyncClient) -> None:
    with fresh.daemon("up") as up:
        url = await up.url()

        async def ready() -> bool:
            return (await http.get(f"{url}/readyz")).status_code == 200

        async def counted(name: str) -> float:
            families = text_string_to_metric_families((await http.get(f"{url}/metrics")).text)
            return sum(sample.value for one in families if one.name == name for sample in one.samples)

        await until(ready, "readiness")
        await until(partial(counted, "refill_filled"), "a filled field")
        await until(partial(counted, "refill_vendor_calls"), "calls of vendors, told by the worker")
        await up.drained()
        assert up.events("worker.stopped")
        assert up.events("web.stopped")


async def test_while_draining_it_is_alive_and_not_ready(refill: Refill, http: httpx.AsyncClient) -> None:
    kaspr = refill.vendors["kaspr"]
    kaspr.control("hold", {"route": "/profile/*", "count": None})
    with refill.daemon("up") as up:
        url = await up.url()
        await until(lambda: kaspr.control("held")["held"], "a paid call on the wire")
        up.terminate()
        await until(lambda: up.events("worker.draining"), "draining")
        assert await status(http, f"{url}/readyz") == (503, "draining")
        assert await status(http, f"{url}/healthz") == (200, "ok")

        def released() -> bool:
            kaspr.control("release", {})
            return up.process.poll() is not None

        await until(released, "the end")
        assert await up.ended() == 0
    async with refill.ledger() as ledger:
        totals = await ledger.budgets.totals("kaspr")
        assert totals.spent == sum(row["credits"] for row in kaspr.charges())
        assert totals.uncertain == 0


async def test_metrics_may_have_a_token(refill: Refill, http: httpx.AsyncClient) -> None:
    refill.set(REFILL_WEB__METRICS_TOKEN="m" * 32)
    with refill.daemon("web") as web:
        url = f"{await web.url()}/metrics"
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic " + "m" * 32}):
            assert (await http.get(url, headers=headers)).status_code == 401
        told = await http.get(url, headers={"authorization": "Bearer " + "m" * 32})
        assert (told.status_code, "refill_workers_alive" in told.text) == (200, True)


async def test_half_open_connections_leave_descriptors_for_everything_else(refill: Refill) -> None:
    files = 512
    with refill.daemon("web", files=files) as web, contextlib.ExitStack() as flood:
        url = await web.url()
        host, _, port = url.removeprefix("http://").partition(":")
        for _ in range(3 * files):
            client = flood.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect((host, int(port)))

        def crowded() -> bool:
            return any(one["refused"] for one in web.events("web.crowded"))

        await until(crowded, "connections that were turned away")
        held = sum(1 for _ in Path(f"/proc/{web.process.pid}/fd").iterdir())
        assert held < files - 64
        flood.close()
        async with httpx.AsyncClient() as http:

            async def well() -> bool:
                try:
                    return bool((await http.get(f"{url}/readyz")).json()["status"] == "no worker is alive")
                except httpx.HTTPError:
                    return False

            await until(well, "an answer that asks Redis")
        assert "Traceback" not in web.log.read_text(encoding="utf-8")
        assert len(web.events("web.crowded")) <= 12


@pytest.mark.parametrize("command", ["web", "up"])
async def test_a_port_in_use_is_one_sentence(refill: Refill, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refill.change("port = 0", f"port = {port}")
        ran = await refill(command)
    assert ran.code == 2
    assert ran.err == (
        f"port {port} of 127.0.0.1 is in use: stop what listens there, or set web.port (REFILL_WEB__PORT)\n"
    )


async def test_a_host_that_is_not_ours_is_one_sentence(refill: Refill) -> None:
    refill.change("port = 0", 'port = 0\nhost = "192.0.2.7"')
    ran = await refill("web")
    assert ran.code == 2
    assert "192.0.2.7" in ran.err


async def test_web_and_worker_of_one_folder_share_the_embedded_redis(refill: Refill, http: httpx.AsyncClient) -> None:
    with refill.daemon("web") as web, refill.daemon("worker") as worker:
        url = await web.url()

        async def ready() -> bool:
            return (await http.get(f"{url}/readyz")).status_code == 200

        await until(ready, "a worker seen by the web process")
        worker.terminate()
        web.terminate()
        assert (await worker.ended(), await web.ended()) == (0, 0)


async def test_what_never_ends_is_left_behind_at_the_end_of_the_grace(refill: Refill) -> None:
    refill.change("[web]", '[worker]\ngrace = "8s"\n\n[web]')
    kaspr = refill.vendors["kaspr"]
    kaspr.control("hold", {"route": "/profile/*", "count": None})
    with refill.daemon("up") as up:
        await up.url()
        await until(lambda: kaspr.control("held")["held"], "a paid call on the wire")
        began = time.monotonic()
        await up.drained()
        assert time.monotonic() - began < 10.0
    kaspr.control("release", {})
    async with refill.ledger() as ledger:
        totals = await ledger.budgets.totals("kaspr")
        assert totals.spent + totals.sent + totals.uncertain >= sum(row["credits"] for row in kaspr.charges())
