"""Defines one data call as its handler sees it: from the network, or from inside a Composite request."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.calls import BadBodyError, Reply
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.store import INTEGRATION_USER, Caller

JSON: Final = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Ask:
    """Holds a call. `version` is without the v; `headers` has lower-case names; `read` returns the parsed body."""

    method: str
    path: str
    version: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    read: Callable[[], Any]
    raw: bytes = b""

    @property
    def caller(self) -> Caller:
        rule = self.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return Caller(INTEGRATION_USER, "integration", allow_duplicate_alerts="allowsave=true" in rule)

    def object(self) -> dict[str, Any]:
        """Returns the body as an object. Raises: BadBodyError."""
        body = self.read()
        if not isinstance(body, dict):
            raise BadBodyError
        return body


Handler = Callable[[Ask], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Maps a path to its handler. `template` is relative to `/services/data/{version}`."""

    method: str
    template: str
    handler: Handler


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, body, dict(headers or {}), JSON)


def refused(error: ApiError) -> Reply:
    return answer(error.status, error.body())


class Switchboard:
    """Finds the endpoint for a path below `/services/data/vXX.0`, for subrequests."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._endpoints = [
            (item.method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", item.template)), item.handler)
            for item in endpoints
        ]

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        for wanted, expression, handler in self._endpoints:
            if wanted == method and (match := expression.fullmatch(path.rstrip("/"))):
                return handler, match.groupdict()
        return None
