"""The examples of docs/exposing.md let webhooks through as they were signed, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.harness.certificates import Authority
from tests.harness.until import until
from tests.integration.intake import senders
from tests.integration.intake.conftest import PUBLIC, Door
from tests.integration.intake.proxies import CADDY, NAME, NGINX, Proxy, example, program
from tests.integration.intake.senders import called_out, envelope, event, notification, posted, signed

PATH = "/webhooks/hubspot/acme_hubspot"
RECORD = "0035g00000AbCdEAAV"
SHUT = ("/", "/metrics", "/readyz", "/healthz", "/api", "/api/openapi.json", "/webhooks")
TRICKS = (
    "/webhooks/../metrics",
    "/webhooks/%2e%2e/metrics",
    "/webhooks/..%2fmetrics",
    "//metrics",
    "/webhooks//../api",
)
PROXIES = pytest.mark.parametrize("proxy", [NGINX, CADDY], ids=lambda one: one.name)


@pytest.mark.parametrize("language", ["nginx", "caddyfile"])
def test_example_publishes_webhooks_and_nothing_else(language: str) -> None:
    text = example(language)
    assert text.count("{") == text.count("}")
    assert [line.split()[1] for line in text.splitlines() if line.split()[:1] in (["location"], ["handle"])] in (
        ["/webhooks/", "/"],
        ["/webhooks/*", "{"],
    )
    assert "404" in text


@asynccontextmanager
async def through(proxy: Proxy, folder: Path, upstream: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose posts to our public name go through the proxy."""
    found = program(proxy.name)
    if found is None:
        pytest.skip(f"no {proxy.name} on this machine: install it, or name it in REFILL_TEST_{proxy.name.upper()}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    authority = Authority.founded(folder / "authority")
    authority.context_for(NAME)
    arguments = proxy.configure(folder, port, upstream, authority.folder / f"{NAME}.pem")
    with (folder / "out").open("wb") as out:
        home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        running = subprocess.Popen([found, *arguments], stdout=out, stderr=out, cwd=folder, env=home)

    def answers() -> bool:
        assert running.poll() is None, (folder / "out").read_text()
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        await until(answers, "the proxy")
        trust = ssl.create_default_context(cafile=authority.file)
        base = f"https://127.0.0.1:{port}"
        async with httpx.AsyncClient(verify=trust, base_url=base, trust_env=False) as client:
            client.headers["host"] = NAME
            yield client
    finally:
        running.terminate()
        await asyncio.to_thread(running.wait)


@pytest.mark.slow
@PROXIES
async def test_webhooks_pass_as_they_were_signed_and_the_rest_stays(door: Door, tmp_path: Path, proxy: Proxy) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    name = {"sni_hostname": NAME}
    async with through(proxy, folder, door.url.removeprefix("http://")) as outside:
        for query in ("", "?a=%20b&c=%2F"):
            body = posted(event())
            headers = signed(PUBLIC + PATH + query, body)
            assert (await outside.post(PATH + query, content=body, headers=headers, extensions=name)).status_code == 204
        body, headers = called_out({"object": "Contact", "ids": [RECORD]})
        callout = "/webhooks/salesforce/acme_salesforce"
        assert (await outside.post(callout, content=body, headers=headers, extensions=name)).status_code == 204
        told = await outside.post(
            f"{callout}/{senders.PATH_SECRET}",
            content=envelope(notification(RECORD)),
            headers={"content-type": "text/xml"},
            extensions=name,
        )
        assert told.status_code == 200
        large = posted(event()) + b" " * (2 << 20)
        headers = signed(PUBLIC + PATH, large)
        refused = (await outside.post(PATH, content=large, headers=headers, extensions=name)).status_code
        assert refused in {413, 502}  # whichever of the two ends it first
        for path in SHUT + TRICKS:
            raw = httpx.Request("GET", outside.base_url, headers=outside.headers, extensions=name)
            raw.url = raw.url.copy_with(raw_path=path.encode())
            answer = await outside.send(raw)
            assert answer.status_code in {301, 308, 400, 404, 405}, path
            assert "refill_" not in answer.text
    assert await door.due() == ["101"]
    secret = f"/webhooks/salesforce/acme_salesforce/{senders.PATH_SECRET}"
    (folder / "away").mkdir()
    async with through(proxy, folder / "away", "127.0.0.1:1") as outside:
        assert (await outside.post(secret, content=b"", extensions=name)).status_code == 502
    written = "".join(one.read_text(errors="replace") for one in folder.rglob("*") if one.is_file())
    assert senders.PATH_SECRET not in written
