"""The vendors as ``refill sandbox`` starts them."""

from __future__ import annotations

import asyncio
import html
import http.client
import json
import socket
import sys
import tomllib
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

from tests.harness import forked
from tests.harness.until import WITHIN_S
from tests.harness.workers import environment
from worker.commands import trial


def asked(url: str, key: str) -> None:
    request = urllib.request.Request(url, headers={"X-API-KEY": key, "User-Agent": "test"})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=1) as reply:  # noqa: S310 - loopback
            reply.read()
    except (OSError, http.client.HTTPException):
        return


def faults(control: str) -> list[str]:
    with urllib.request.urlopen(f"{control}/books?kind=requests", timeout=5) as reply:  # noqa: S310 - loopback
        return [entry["fault"] for entry in json.load(reply)["requests"]]


async def test_a_sandbox_with_a_fault_level_fails_by_its_seed() -> None:
    met = []
    for _ in range(2):
        async with trial.serve(records=4, seed=7, latency="none", faults="heavy") as served:
            told = served.vendors["forager"]
            for _ in range(30):
                await asyncio.to_thread(asked, f"{told['base_url']}/api/api_keys/", str(told["api_key"]))
            met.append(await asyncio.to_thread(faults, str(told["control_url"])))
    assert met[0] == met[1]
    assert any(met[0])


def free_ports(count: int) -> int:
    """Returns the first of ``count`` ports in a row that nobody has."""
    for base in range(21_000, 30_000, count):
        with ExitStack() as stack, suppress(OSError):
            for port in range(base, base + count):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return base
    raise AssertionError("no ports are free")


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback
        return html.unescape(reply.read().decode())


@asynccontextmanager
async def sandbox(folder: Path, base: int) -> AsyncIterator[None]:
    words = ("sandbox", "--folder", str(folder), "--records", "4", "--port-base", str(base))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker.cli", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        while b"The vendors are up" not in (line := await asyncio.wait_for(process.stdout.readline(), 90)):
            assert line, "it ended"
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_webhooks_of_a_second_sandbox_go_where_its_own_configuration_listens(tmp_path: Path) -> None:
    base = free_ports(6)
    async with sandbox(tmp_path, base):
        web = f"http://127.0.0.1:{base + 5}"
        assert tomllib.loads((tmp_path / "refill.toml").read_text())["web"]["port"] == base + 5
        assert f"REFILL_WEB__PUBLIC_URL={web}\n" in (tmp_path / ".env").read_text()
        for vendor, path in ((3, "hubspot/acme_hubspot"), (4, "salesforce/acme_salesforce/")):
            told = await asyncio.to_thread(page, f"http://127.0.0.1:{base + vendor}/_sandbox/")
            assert f'value="{web}/webhooks/{path}' in told


async def refill(folder: Path, *words: str) -> str:
    line = (*words, "--config", str(folder / "refill.toml"))
    ran = await asyncio.to_thread(forked.run, "worker.cli", *line, env=environment(), timeout=WITHIN_S)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def test_the_world_of_a_sandbox_that_is_started_again_is_filled_again(tmp_path: Path) -> None:
    base, filled = free_ports(6), []
    for _ in range(2):
        async with sandbox(tmp_path, base):
            await refill(tmp_path, "plan", "--object", "contact", "--limit", "5", "--save", str(tmp_path / "plan"))
            told = json.loads(await refill(tmp_path, "sync", "--plan", str(tmp_path / "plan"), "--json"))
            filled.append((told["filled"], sum(told["credits"].values())))
    assert filled[0] == filled[1]
    assert min(filled[0]) > 0
    assert len([one for one in tmp_path.iterdir() if one.is_dir()]) == 1  # nobody uses that of the first world
