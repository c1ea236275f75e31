"""Counts the files of ours that one HubSpot event crosses, from the webhook to the journal.

The event is posted to the web process's application, a worker visits its record, buys a work e-mail from the imitated
Forager and writes it to the imitated HubSpot; every file of which a function runs meanwhile is crossed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.harness.redis import running
from tests.integration.scene import CRM, KIND, PUBLIC_URL, WEBHOOK_SECRET, Scene, opened
from worker.redis.together import Together
from worker.web.app import web_app

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parent.parent
WITH_WEB = {"web": f'[web]\npublic_url = "{PUBLIC_URL}"'}
OURS = tuple(f"{ROOT / folder}/" for folder in ("config", "connectors", "worker"))


@dataclass(slots=True)
class Crossed:
    """Notes the files whose functions run, in the order in which they are first entered."""

    files: dict[str, None] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watches this thread, and those that begin meanwhile."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(OURS):
            self.files.setdefault(name.removeprefix(f"{ROOT}/"))


async def crossed(scene: Scene) -> list[str]:
    """Returns the files that an event about one record crosses until its visit is journalled.

    Raises:
        ValueError: nothing was written.
    """
    worker = await scene.worker()
    app = web_app(worker.runtime.ledger, scene.settings, asyncio.Event())
    (id_,) = scene.ids(1)
    body = json.dumps([_event(id_)], separators=(",", ":")).encode()
    seen = Crossed()
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL)
    async with app.router.lifespan_context(app), http as client:  # httpx does not run it, and its end closes a client
        with seen.watching():
            path = f"/webhooks/hubspot/{CRM}"
            answer = await client.post(path, content=body, headers=_signed(PUBLIC_URL + path, body))
            await worker.visit()
    entries = await scene.ledger.journal.entries(CRM, KIND, id_)
    if not (answer.is_success and any(json.loads(one.entry).get("field") == "work_email" for one in entries)):
        raise ValueError(f"the event led to no journalled change: {answer.status_code}, {len(entries)} entries")
    return list(seen.files)


def _event(id_: str) -> dict[str, Any]:
    return {
        "eventId": 1,
        "subscriptionId": 1,
        "portalId": 49547190,
        "occurredAt": time.time_ns() // 1_000_000,
        "subscriptionType": "contact.creation",
        "attemptNumber": 0,
        "objectId": int(id_),
        "changeSource": "CRM_UI",
    }


def _signed(url: str, body: bytes) -> dict[str, str]:
    stamp = str(time.time_ns() // 1_000_000)
    digest = hmac.new(WEBHOOK_SECRET.encode(), b"POST" + url.encode() + body + stamp.encode(), hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "x-hubspot-signature-v3": base64.b64encode(digest).decode(),
        "x-hubspot-request-timestamp": stamp,
    }


async def main() -> None:
    """Print the files, those of each room together, and how many there are."""
    with running("--appendfsync", "no") as server:
        redis = Together(unix_socket_path=str(server.socket))
        async with opened(server.socket, redis, WITH_WEB) as scene:
            files = await crossed(scene)
        await redis.aclose()
    for name in files:
        print(name)
    print(f"{len(files)} files")


if __name__ == "__main__":
    asyncio.run(main())
