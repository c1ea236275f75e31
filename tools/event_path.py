"""Counts the files of ours that one HubSpot event crosses, from the webhook to the journal.

The event is posted to the web process's application, a worker visits its record, buys a work e-mail from the imitated
Forager and writes it to the imitated HubSpot. Every file of which a function runs meanwhile is *crossed*.

A reader who follows the event *opens* fewer. Its story is told by coroutines: only they wait for Redis, a vendor or
another task, so what happens, and in which order, stands in them, and they decide by the plain functions that they
call. The calls of a plain function are a floor below: its name says what comes back. So a file is opened when a
coroutine runs in it, or a plain function that a coroutine or the event loop calls. Left out are

- functions of a single statement, since their names say what that is;
- readers of values: ``worker/decide/values``, and the modules of a vendor's package that hold no coroutine, which turn
  the vendor's words into our values;
- the machinery: files that a readiness probe and a free call to another vendor cross, too. They carry every call and
  every step alike, so what they do is no part of this story.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import hashlib
import hmac
import inspect
import json
import re
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
from tools.trees import nodes
from worker.redis.together import Together
from worker.web.app import web_app

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parent.parent
WITH_WEB = {"web": f'[web]\npublic_url = "{PUBLIC_URL}"'}
VALUES = "worker/decide/values/"
VENDORS = re.compile(r"connectors/\w+/")
LOGS = ("config/logs.py", "config/masking.py", "config/plain.py")  # of every line, where logging is set up
OURS = tuple(f"{ROOT / folder}/" for folder in ("config", "connectors", "worker"))


@dataclass(slots=True)
class Crossed:
    """Notes the files whose functions run, in the order in which they are first entered.

    ``files`` has by file the lines on which the functions begin, ``story`` the same of coroutines and what they call.
    """

    files: dict[str, set[int]] = field(default_factory=dict)
    story: dict[str, set[int]] = field(default_factory=dict)
    machinery: frozenset[str] = frozenset()

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
        if event == "call" and name.startswith(OURS) and not name.endswith(LOGS):
            name = name.removeprefix(f"{ROOT}/")
            self.files.setdefault(name, set()).add(frame.f_code.co_firstlineno)
            if _waits(frame) or not (caller := _caller(frame)) or _waits(caller):
                self.story.setdefault(name, set()).add(frame.f_code.co_firstlineno)

    def opened(self) -> list[str]:
        """Returns the files that a reader opens who follows the event."""
        return [
            name
            for name, lines in self.story.items()
            if lines & _bodies(name) and name not in self.machinery and not _reads_values(name)
        ]


def _reads_values(name: str) -> bool:
    if not VENDORS.match(name):
        return name.startswith(VALUES)
    return not any(isinstance(node, ast.AsyncFunctionDef) for node in nodes(ROOT / name))


def _waits(frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))


def _caller(frame: FrameType) -> FrameType | None:
    """Returns the nearest function of ours that a call comes from; a comprehension is part of its function."""
    found = frame.f_back
    while found and (found.f_code.co_name.startswith("<") or not found.f_code.co_filename.startswith(OURS)):
        found = found.f_back
    return found


def _bodies(name: str) -> frozenset[int]:
    """Returns the lines on which functions of more than one statement begin, decorators included."""
    return frozenset(
        min(one.lineno for one in (node, *node.decorator_list))
        for node in nodes(ROOT / name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _statements(node) > 1
    )


def _statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    has_docstring = ast.get_docstring(function, clean=False) is not None
    return sum(isinstance(one, ast.stmt) for one in ast.walk(function)) - 1 - has_docstring


async def crossed(scene: Scene) -> Crossed:
    """Returns what an event about one record crosses until its visit is journalled.

    Raises:
        ValueError: nothing was written.
    """
    worker = await scene.worker()
    app = web_app(worker.runtime.ledger, scene.settings, asyncio.Event())
    (id_,) = scene.ids(1)
    body = json.dumps([_event(id_)], separators=(",", ":")).encode()
    seen, other = Crossed(), Crossed()
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL)
    async with app.lifespan_context(app), http as client:  # httpx does not run it, and its end closes a client
        with other.watching():
            await client.get("/readyz")
            await worker.runtime.providers["kaspr"].account_status()
        with seen.watching():
            path = f"/webhooks/hubspot/{CRM}"
            answer = await client.post(path, content=body, headers=_signed(PUBLIC_URL + path, body))
            await worker.visit()
    entries = await scene.ledger.journal.entries(CRM, KIND, id_)
    if not (answer.is_success and any(json.loads(one.entry).get("field") == "work_email" for one in entries)):
        raise ValueError(f"the event led to no journalled change: {answer.status_code}, {len(entries)} entries")
    seen.machinery = frozenset(other.files)
    return seen


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
    """Print the files in the order of the event, a dash before those that nobody need open, and how many there are."""
    with running("--appendfsync", "no") as server:
        redis = Together(unix_socket_path=str(server.socket))
        async with opened(server.socket, redis, WITH_WEB) as scene:
            seen = await crossed(scene)
        await redis.aclose()
    opened_ = seen.opened()
    for name in seen.files:
        print(f"{'  ' if name in opened_ else '- '}{name}")
    print(f"{len(seen.files)} files, of which a reader opens {len(opened_)}")


if __name__ == "__main__":
    asyncio.run(main())
