"""Counts what the web process answers, by route and status: refused webhooks show in ``/metrics``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OTHER = "other"  # a path that is no route of ours: strangers choose it, so it is no label


class AnswerCounter:
    """Wraps the application ``app`` and counts its answers in ``counts``."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route], counts: Counter[tuple[str, int]]) -> None:
        self._app, self._routes, self._counts = app, routes, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and count the status of an HTTP answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[self._route(scope["path"]), message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counted)

    def _route(self, path: str) -> str:
        return next((route.path for route in self._routes if route.path_regex.match(path)), OTHER)
