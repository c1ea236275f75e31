"""Defines one request as a handler sees it, and the reply a handler gives."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from sandbox.books import Books, RequestEntry

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy, MultiMapping


class BadBodyError(Exception):
    """Says that the body is not the JSON object that the route takes."""


class Account(Protocol):
    """Describes the side that a call is charged to: its balance and its books."""

    books: Books

    def take_credits(self, credits: float) -> None:
        """Takes credits from the balance."""


@dataclass(slots=True)
class Reply:
    """Holds an answer. `body`: str or bytes go out as they are, None as no body, all else as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def raw(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()

    def response(self) -> web.Response:
        raw = self.raw()
        headers = {**self.headers, "Content-Type": self.content_type} if raw else self.headers
        return web.Response(status=self.status, body=raw, headers=headers)


class Call:
    """Holds a request read to its end. A handler is a plain function: everybody else sees its work as one step."""

    def __init__(
        self, request: web.Request, body: bytes, route: "Route", entry: RequestEntry, account: Account
    ) -> None:
        self.request = request
        self.body = body
        self.route = route
        self.entry = entry
        self._account = account

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        """Returns the path, decoded."""
        return self.request.path

    @property
    def query(self) -> "MultiMapping[str]":
        return self.request.query

    @property
    def headers(self) -> "CIMultiDictProxy[str]":
        return self.request.headers

    @property
    def params(self) -> Mapping[str, str]:
        """Returns the named parts of the path, decoded."""
        return self.request.match_info

    @cached_property
    def json(self) -> Any:
        """Returns the body as parsed JSON. Raises: BadBodyError."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadBodyError from error

    @cached_property
    def object(self) -> dict[str, Any]:
        """Returns the body as a JSON object. Raises: BadBodyError."""
        if not isinstance(self.json, dict):
            raise BadBodyError
        return self.json

    def charge(self, operation: str, identity: str, credits: float) -> None:
        """Takes credits from the vendor's balance and books it."""
        self._account.take_credits(credits)
        self._account.books.charge(self.entry, operation, identity, credits)

    def write(
        self,
        action: str,
        object_: str,
        id_: str,
        *,
        property_: str = "",
        before: Any = None,
        after: Any = None,
        by: str = "",
    ) -> None:
        """Books one change of a CRM row."""
        self._account.books.write(
            self.entry, action, object_, id_, property_=property_, before=before, after=after, by=by
        )


@dataclass(frozen=True, slots=True)
class Route:
    """Maps a path to its handler. Books and faults name it by its `template`, such as `/crm/{object}/{id}`."""

    method: str
    template: str
    handler: Callable[[Call], Reply]
