"""Serves every way in from outside, over one inbox, and counts what was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from starlette.routing import Match, Route, Router
from starlette.types import Message, Receive, Scope, Send

from config.settings import Settings
from worker.ledger.intake.accounts import Accounts
from worker.ledger.intake.intake import Intake
from worker.ledger.ledger import Ledger
from worker.ledger.own_clock import clock
from worker.service.arq_queue import Doorbell
from worker.web.enrich import enrich_routes
from worker.web.hubspot import hubspot_paths, hubspot_routes
from worker.web.inbox import Bell, Inbox, Remembered
from worker.web.salesforce import salesforce_routes

OTHER = "other"  # a path that is no route of ours: strangers choose it, so it is no label


class AppRoutes(Struct, frozen=True):
    """Holds the routes, and the inbox to close with them. ``busy`` are the paths that most requests are for."""

    routes: list[Route]
    inbox: Inbox
    busy: list[str]


def app_routes(quick: Ledger, ledger: Ledger, settings: Settings, now: Callable[[], int] = clock) -> AppRoutes:
    """Returns webhooks and the API. ``quick`` answers at once or not at all; ``ledger`` may take its time to ring."""
    doorbell = Doorbell(ledger.scripts.redis)

    async def ring(line: str) -> None:
        await doorbell.ring("fill", f"{line}:0", {"line": line})

    bell = Bell(ring)
    inbox = Inbox(settings, Intake(quick.scripts), bell, now)
    users, accounts = Remembered(quick.users.of, now), Remembered(Accounts(quick.scripts).of, now)
    crms = [*hubspot_routes(inbox, accounts), *salesforce_routes(inbox, users, accounts)]
    return AppRoutes([*crms, *enrich_routes(inbox, quick)], inbox, hubspot_paths(settings))


class CountingRouter(Router):
    """Counts answers in ``counts``, by route and status: refused webhooks show in ``/metrics``.

    Posts to ``busy`` paths are handed on without a look at the routes: these were looked up beforehand.
    """

    def __init__(self, *args: Any, counts: Counter[tuple[str, int]], busy: Iterable[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self._counts = counts
        self._paths: dict[object, str] = {
            route.endpoint: route.path for route in self.routes if isinstance(route, Route)
        }
        self._busy = {path: self._found(path) for path in busy}

    def _found(self, path: str) -> Scope:
        """Returns what a POST to a path leads to, as its route says it."""
        asked: Scope = {"type": "http", "method": "POST", "path": path}
        return next(found for match, found in (route.matches(asked) for route in self.routes) if match is Match.FULL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and count the status of an HTTP answer."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[self._paths.get(scope.get("endpoint"), OTHER), message["status"]] += 1
            await send(message)

        found = self._busy.get(scope.get("path", ""))
        if found is not None and scope["method"] == "POST":
            scope.update(found)
            await scope["endpoint"](scope, receive, counted)
        else:
            await self.app(scope, receive, counted)
