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
from contextlib import ExitStack, suppress
from pathlib import Path

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


async def test_webhooks_of_a_second_sandbox_go_where_its_own_configuration_listens(tmp_path: Path) -> None:
    base = free_ports(6)
    words = ("sandbox", "--folder", str(tmp_path), "--records", "4", "--port-base", str(base))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker.cli", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        while b"The vendors are up" not in (line := await asyncio.wait_for(process.stdout.readline(), 90)):
            assert line, "it ended"
        web = f"http://127.0.0.1:{base + 5}"
        assert tomllib.loads((tmp_path / "refill.toml").read_text())["web"]["port"] == base + 5
        assert f"REFILL_WEB__PUBLIC_URL={web}\n" in (tmp_path / ".env").read_text()
        for vendor, path in ((3, "hubspot/acme_hubspot"), (4, "salesforce/acme_salesforce/")):
            told = await asyncio.to_thread(page, f"http://127.0.0.1:{base + vendor}/_sandbox/")
            assert f'value="{web}/webhooks/{path}' in told
    finally:
        process.terminate()
        await process.wait()
