"""The vendors as ``refill sandbox`` starts them."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.request

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
