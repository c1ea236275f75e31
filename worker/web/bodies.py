"""Reads bodies from outside: checks the sender's proof, and reads no further and no longer than allowed."""

from __future__ import annotations

import re
from typing import Any, Protocol

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MOST_BYTES = 1 << 20
MOST_HELD_BYTES = 64 << 20  # of all bodies that are being read at a time
MOST_DEEP = 16
SENDER = "sender"  # the name of the sender in a request's state
_BRACKETS = b"[]{}"
_OTHERS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)  # a string without an end is one to the end


class RefusedError(Exception):
    """Says that the request is answered with ``status``; ``reason`` is a constant word for logs and for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason

    def response(self) -> Response:
        """Makes the answer to the sender."""
        headers = {"www-authenticate": "Bearer"} if self.reason == "token" else {}
        return JSONResponse({"error": self.reason}, status_code=self.status, headers=headers)


class Sender(Protocol):
    """Describes the sender of one request: a stranger, until it is proved."""

    is_proved: bool

    def prove(self) -> None:
        """Says that the request carries what only a sender of ours can know."""

    def drop(self) -> None:
        """Ends its connection."""


def sender_of(request: Request) -> Sender | None:
    """Returns the sender of a request; a test's has no connection."""
    sender: Sender | None = request.scope.get("state", {}).get(SENDER)
    return sender


def prove(request: Request) -> None:
    """Gives the connection of ``request`` the place and the time of a sender of ours."""
    sender = sender_of(request)
    if sender is not None:
        sender.prove()


class Bodies:
    """Reads bodies; of those that have come in part, ``held`` bytes are in memory now.

    Senders that have yet to prove themselves share half of the room. Where it is full, the one that has been sending
    longest is dropped for the newest: a true body is read within milliseconds. The time that a body may take is bounded
    by its connection.
    """

    def __init__(self, *, most: int = MOST_BYTES, held: int = MOST_HELD_BYTES) -> None:
        self._most, self._most_held = most, held
        self.held = 0
        self._strangers: dict[Sender, int] = {}  # their bytes, the longest sender first
        self._strangers_hold = 0

    async def read(self, request: Request, *types: str) -> bytes:
        """Returns the whole body, of one of the content ``types``.

        Raises:
            RefusedError: it is of another type, compressed, too large or cut, or there is no room for it now.
        """
        headers = dict(request.scope["headers"])
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1") not in types:
            raise RefusedError(415, "content_type")
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise RefusedError(415, "content_encoding")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and (len(length) > 12 or int(length) > self._most):
            raise RefusedError(413, "too_large")
        if self.held > self._most_held:
            raise RefusedError(503, "busy")
        sender, parts, size, is_whole = sender_of(request), [], 0, False
        try:
            while not is_whole:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise RefusedError(400, "cut")
                part, is_whole = message.get("body", b""), not message.get("more_body", False)
                size += len(part)
                self.held += len(part)
                if size > self._most:
                    raise RefusedError(413, "too_large")
                parts.append(part)
                if not is_whole and sender is not None and not sender.is_proved:
                    self._hold(sender, size)
        finally:
            self.held -= size
            if sender is not None:
                self._strangers_hold -= self._strangers.pop(sender, 0)
        return b"".join(parts)

    def _hold(self, sender: Sender, size: int) -> None:
        """Counts the bytes of strangers' bodies, and drops the longest senders if all hold too much."""
        self._strangers_hold += size - self._strangers.get(sender, 0)
        self._strangers[sender] = size
        while self._strangers_hold > self._most_held // 2 and len(self._strangers) > 1:
            longest = next(iter(self._strangers))
            self._strangers_hold -= self._strangers.pop(longest)
            longest.drop()


def json_of(body: bytes) -> Any:
    """Returns the JSON of a body.

    Raises:
        RefusedError: it is not, or nested deeper than anything we accept.
    """
    shallow(body)
    try:
        return from_json(body, allow_inf_nan=False)  # twice as fast as the standard library's, and as strict
    except (ValueError, RecursionError):
        raise RefusedError(400, "not_json") from None


def shallow(body: bytes) -> None:
    """Return when the JSON of a body is not nested deeper than anything we take.

    Raises:
        RefusedError: it is.
    """
    if _is_deep(body):
        raise RefusedError(400, "too_deep")


def _is_deep(body: bytes) -> bool:
    """Tells whether brackets nest too deep; first without parsing strings, since most bodies end there.

    Brackets in strings that balance the others get past it, as far as the parsers' own limits of a few hundred.
    """
    rest = body.translate(None, _OTHERS)
    for _ in range(MOST_DEEP):
        if not rest:
            return False
        rest = rest.replace(b"{}", b"").replace(b"[]", b"")
    if not rest:
        return False
    depth = 0
    for token in _TOKENS.finditer(body):
        one = token[0]
        if one in b"[{":
            depth += 1
            if depth > MOST_DEEP:
                return True
        elif one in b"]}":
            depth -= 1
    return False
