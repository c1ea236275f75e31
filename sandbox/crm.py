"""Holds the common parts of the two imitated CRMs: books of writes, senders of events, and control behind the API."""

import asyncio
import inspect
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from aiohttp import web

from sandbox.books import RequestEntry
from sandbox.calls import Call, Reply
from sandbox.clock import Clock
from sandbox.options import Options
from sandbox.people import World
from sandbox.vendor import Vendor

Action = Callable[[web.Request, dict[str, Any]], Any]
_PLACES: Mapping[str, tuple[str, str]] = {
    "dump": ("GET", "records/{object}"),
    "create": ("POST", "records/{object}"),
    "properties": ("GET", "properties/{object}"),
    "define": ("POST", "properties/{object}"),
    "undefine": ("DELETE", "properties/{object}/{name}"),
    "webhooks_sent": ("GET", "webhooks"),
    "outbound_sent": ("GET", "outbound"),
}


class CrmVendor(Vendor):
    """Books each write with the request that made it."""

    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self._entry: RequestEntry | None = None
        self.ids_by_row: dict[int, Any] = {}

    def answer(self, call: Call) -> Reply:
        self._entry = call.entry
        try:
            return super().answer(call)
        finally:
            self._entry = None

    def truth(self) -> dict[str, Any]:
        return {"ids": self.ids_by_row}

    def _note(self, action: str, object_name: str, record_id: str, name: str, before: Any, after: Any, by: str) -> None:
        self.books.write(self._entry, action, object_name, record_id, property_=name, before=before, after=after, by=by)


class Sender(ABC):
    """Sends pending events in parts, a moment after they came; sending ends with the application.

    ``aim`` says where: it has a ``url``, ``batch_s`` and ``shuffled``.
    """

    most: ClassVar[int] = 100

    def __init__(self, counts: Any) -> None:
        self._aim: Any = None
        self._counts = counts
        self._flusher: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.Random(1)

    @property
    def url(self) -> str:
        """Returns the target address; empty: nowhere."""
        return self._aim.url if self._aim else ""

    def state(self) -> dict[str, int]:
        return asdict(self._counts) | {"waiting": self._waiting() + len(self._tasks)}

    async def close(self, _: web.Application) -> None:
        tasks = [*self._tasks, *([self._flusher] if self._flusher else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @abstractmethod
    def _waiting(self) -> int:
        """Counts pending events."""

    @abstractmethod
    def _taken(self) -> list[Any]:
        """Takes pending events."""

    @abstractmethod
    async def _deliver(self, aim: Any, items: list[Any]) -> None:
        """Sends one part, again and again until it is accepted."""

    def _wake(self, aim: Any) -> None:
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush(aim))

    async def _flush(self, aim: Any) -> None:
        while self._waiting():
            await asyncio.sleep(aim.batch_s)
            items = self._taken()
            if aim.shuffled:
                self._random.shuffle(items)
            for start in range(0, len(items), self.most):
                task = asyncio.create_task(self._deliver(aim, items[start : start + self.most]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)


def add_actions(app: web.Application, control: object, refusal: type[Exception]) -> None:
    """Adds every public method of ``control`` under `/_sandbox/`: `POST` by its name, but for those of ``_PLACES``.

    Bodies and answers are JSON; a ``refusal`` of the CRM is answered 400 with its code.
    """
    for name, action in inspect.getmembers(control, inspect.ismethod):
        if not name.startswith("_"):
            method, path = _PLACES.get(name, ("POST", name.replace("_", "-")))
            app.router.add_route(method, f"/_sandbox/{path}", _handler(action, refusal))


def _handler(action: Action, refusal: type[Exception]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        try:
            return web.json_response(action(request, body))
        except refusal as error:
            code = getattr(error, "category", None) or getattr(error, "code", "")
            return web.json_response({"error": code, "message": str(getattr(error, "message", ""))}, status=400)
        except (KeyError, TypeError) as error:
            return web.json_response({"error": repr(error)}, status=400)

    return handle
