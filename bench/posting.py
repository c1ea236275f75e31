"""Gives the webhook benches signed posts and Refill's web process over a Redis that keeps every step."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker.redis.embedded import programs

ROOT = Path(__file__).resolve().parents[1]
SECRET, PUBLIC, PATH = "bench-webhook-secret", "https://refill.acme.test", "/webhooks/hubspot/acme_hubspot"
PORTAL = 49547190
TOML = f"""
data_dir = "data"
[web]
port = {{port}}
public_url = "{PUBLIC}"
[providers.forager]
account_id = 42
budget = {{{{ day = 500 }}}}
[crm.acme_hubspot]
kind = "hubspot"
portal_id = {PORTAL}
watch.contact = {{{{}}}}
"""


def signed(raw: Sequence[dict[str, Any]], path: str = PATH) -> tuple[bytes, dict[str, str]]:
    """Holds one post as HubSpot sends it."""
    body = json.dumps(raw, separators=(",", ":")).encode()
    return body, headers_of(body, time.time_ns() // 1_000_000, path)


def headers_of(body: bytes, sent_ms: int, path: str = PATH) -> dict[str, str]:
    """Returns what signs a body that was sent at a time."""
    source = b"POST" + (PUBLIC + path).encode() + body + str(sent_ms).encode()
    digest = base64.b64encode(hmac.digest(SECRET.encode(), source, hashlib.sha256)).decode()
    headers = {"content-type": "application/json", "x-hubspot-signature-v3": digest}
    return headers | {"x-hubspot-request-timestamp": str(sent_ms)}


def event(record: int, chance: random.Random) -> dict[str, Any]:
    """Returns the event of a person who changed the address of a record."""
    return {
        "eventId": chance.randrange(2**40),
        "subscriptionId": 3329277,
        "portalId": PORTAL,
        "appId": 9393361,
        "occurredAt": time.time_ns() // 1_000_000,
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": record,
        "propertyName": "email",
        "propertyValue": "someone@example.com",
        "changeSource": "CRM_UI",
        "sourceId": "userId:882761034",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit("a server did not start")


@dataclass(frozen=True, slots=True)
class Redis:
    """Runs a server that writes each step to the disk before it says so; it can be killed and started again."""

    program: str
    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        words = ["--port", str(self.port), "--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        words += ["--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        self.processes.append(subprocess.Popen([self.program, *words], **quiet(self.folder)))
        up(self.port, self.processes[-1])

    def kill(self) -> None:
        """Kills it: it gets no chance to write anything more."""
        self.processes[-1].kill()
        self.processes[-1].wait()

    @property
    def pid(self) -> int:
        return self.processes[-1].pid

    def due(self) -> int:
        """Tells how many records are in the work."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as client:
            client.sendall(b"ZCARD refill:work:acme_hubspot:contact:due:live\r\n")
            return int(client.recv(64).decode().lstrip(":"))


def quiet(folder: Path) -> dict[str, Any]:
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}


@dataclass(frozen=True, slots=True)
class Refill:
    """Holds ``refill web`` and the Redis it writes to."""

    port: int
    process: subprocess.Popen[bytes]
    redis: Redis

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"


@contextmanager
def refill_web(redis_server: str, folder: Path) -> Iterator[Refill]:
    """Runs both for as long as the block runs."""
    redis, port = Redis(redis_server, folder, free_port()), free_port()
    (folder / "refill.toml").write_text(TOML.format(port=port), encoding="utf-8")
    env = {
        **os.environ,
        "REFILL_REDIS__URL": f"redis://127.0.0.1:{redis.port}/0",
        "REFILL_PROVIDERS__FORAGER__API_KEY": "bench",
        "REFILL_CRM__ACME_HUBSPOT__TOKEN": "bench",
        "REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET": SECRET,
        "PYTHONPATH": str(ROOT),
    }
    redis.start()
    words = [sys.executable, "-m", "worker.cli", "web", "--config", str(folder / "refill.toml")]
    process = subprocess.Popen(words, env=env, **quiet(folder))
    try:
        up(port, process)
        yield Refill(port, process, redis)
    finally:
        process.terminate()
        process.wait(20)
        redis.kill()


def redis_program(named: str | None) -> str:
    """Returns the server to bench with: the one named, else the one that the product would start.

    Raises:
        SystemExit: there is none.
    """
    if named:
        return named
    for program in programs(os.environ["PATH"]):
        return str(program.path)
    raise SystemExit("no redis-server on the PATH: name one with --redis-server")


def print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
