"""A Redis is spoken to only where it is surely ours: over TLS the host's own certificate, elsewhere a password."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from config.load import load
from config.problems import ConfigError
from config.settings import Settings
from tests.harness.certificates import Authority
from tests.harness.redis import Server
from worker.redis.connection import open_redis


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.founded(tmp_path / "authority")


@contextlib.asynccontextmanager
async def over_tls(server: Server, context: ssl.SSLContext) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A TLS port in front of the server, and what came in over it."""
    heard: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, heed: bool) -> None:
        with contextlib.suppress(OSError):
            while told := await reader.read(65_536):
                if heed:
                    heard.append(told)
                writer.write(told)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(str(server.socket))
        await asyncio.gather(pump(reader, outer, heed=True), pump(inner, writer, heed=False))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1], heard
    finally:
        listener.close()


def configured(folder: Path, url: str, text: str = "") -> Settings:
    path = folder / "refill.toml"
    path.write_text(text)
    return load(path, {"REFILL_REDIS__URL": url})


async def test_certificate_for_the_host_is_taken(tmp_path: Path, server: Server, authority: Authority) -> None:
    async with over_tls(server, authority.context_for("localhost")) as (port, heard):
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={authority.file}"
        async with open_redis(configured(tmp_path, url)) as redis:
            assert await redis.set("a", "b")
    assert heard


@pytest.mark.parametrize("other", ["redis.example.com", "another authority"])
async def test_nobody_else_hears_the_password(tmp_path: Path, server: Server, authority: Authority, other: str) -> None:
    shown = Authority.founded(tmp_path / "other").context_for("localhost")
    if other != "another authority":
        shown = authority.context_for(other)
    async with over_tls(server, shown) as (port, heard):
        url = f"rediss://:canary@localhost:{port}/0?ssl_ca_certs={authority.file}"
        with pytest.raises(ConfigError, match="Redis does not answer") as refused:
            async with open_redis(configured(tmp_path, url)):
                pass
    assert heard == []
    assert "canary" not in str(refused.value)


async def test_the_address_alone_turns_the_check_off(tmp_path: Path, server: Server, authority: Authority) -> None:
    async with over_tls(server, authority.context_for("redis.example.com")) as (port, _):
        for words in (f"ssl_ca_certs={authority.file}&ssl_check_hostname=false", "ssl_cert_reqs=none"):
            async with open_redis(configured(tmp_path, f"rediss://localhost:{port}/0?{words}")) as redis:
                assert await redis.ping()


async def test_remote_redis_without_a_password_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^Redis on redis\.example\.com takes commands from anybody") as refused:
        async with open_redis(configured(tmp_path, "redis://redis.example.com/0")):
            pass
    assert "redis.allow_unsafe" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://redis.invalid/0", "redis.allow_unsafe = true"),
        ("redis://:canary@redis.invalid/0", ""),
        ("redis://localhost:1/0", ""),
    ],
)
async def test_a_password_this_machine_or_the_override_lets_it_be_asked(tmp_path: Path, url: str, text: str) -> None:
    with pytest.raises(ConfigError, match=r"^Redis does not answer"):
        async with open_redis(configured(tmp_path, url, text)):
            pass
