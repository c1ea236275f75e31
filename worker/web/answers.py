"""Counts what the web process answers, by route and status: refused webhooks show in ``/metrics``."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

OTHER = "other"  # a path that is no route of ours: strangers choose it, so it is no label


class CountingRouter(Router):
    """Counts the answers of its routes in ``counts``."""

    def __init__(self, *args: Any, counts: Counter[tuple[str, int]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._counts = counts
        self._paths: dict[object, str] = {
            route.endpoint: route.path for route in self.routes if isinstance(route, Route)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and count the status of an HTTP answer."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[self._paths.get(scope.get("endpoint"), OTHER), message["status"]] += 1
            await send(message)

        await self.app(scope, receive, counted)
