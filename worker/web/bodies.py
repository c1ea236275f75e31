"""Reads what is posted from outside: whether its sender is proved, no further and no longer than allowed."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

MOST_BYTES = 1 << 20
MOST_HELD_BYTES = 64 << 20  # of all bodies that are being read at a time
WITHIN_S = 10.0
MOST_DEEP = 16
SENDER = "sender"  # what the state of a request calls whoever sent it
_BRACKETS = b"[]{}"
_OTHERS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)  # a string without an end is one to the end


class RefusedError(Exception):
    """Says that the request is answered with ``status``; ``reason`` is a constant word for logs and for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason

    def response(self) -> Response:
        """Makes what the sender hears."""
        headers = {"www-authenticate": "Bearer"} if self.reason == "token" else {}
        return JSONResponse({"error": self.reason}, status_code=self.status, headers=headers)


class Sender:
    """Stands for the sender of one request: nobody knows, until it is proved. ``on_proof`` is called then."""

    def __init__(self, on_proof: Callable[[], None]) -> None:
        self._on_proof, self.is_proved = on_proof, False

    def prove(self) -> None:
        """Says that the request carries what only a sender of ours can know."""
        self.is_proved = True
        self._on_proof()


def prove(request: Request) -> None:
    """Gives the connection of ``request`` the place and the time of a sender of ours."""
    sender = getattr(request.state, SENDER, None)
    if sender is not None:  # no connection of a test's has one
        sender.prove()


def is_proved(request: Request) -> bool:
    """Tells whether somebody said so of the request."""
    sender = getattr(request.state, SENDER, None)
    return sender is not None and sender.is_proved


class Bodies:
    """Reads bodies; ``held`` bytes of them are in memory now.

    Senders that have yet to prove themselves share half of the room. Where it is full, the one that has been reading
    longest is given up for the newest: a true body is read within milliseconds.
    """

    def __init__(self, *, most: int = MOST_BYTES, held: int = MOST_HELD_BYTES, within_s: float = WITHIN_S) -> None:
        self._most, self._most_held, self._within_s = most, held, within_s
        self.held = 0
        self._strangers: dict[asyncio.Timeout, int] = {}  # bytes by whoever reads, the longest reader first
        self._strangers_hold = 0

    async def read(self, request: Request, *types: str) -> bytes:
        """Returns the whole body, of one of the content ``types``.

        Raises:
            RefusedError: it is of another type, compressed, too large or too slow, or there is no room for it now.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in types:
            raise RefusedError(415, "content_type")
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise RefusedError(415, "content_encoding")
        length = request.headers.get("content-length", "")
        if length.isdigit() and (len(length) > 12 or int(length) > self._most):
            raise RefusedError(413, "too_large")
        if self.held > self._most_held:
            raise RefusedError(503, "busy")
        parts, size = [], 0
        deadline = asyncio.timeout(self._within_s)
        try:
            async with deadline:
                async for part in request.stream():
                    size += len(part)
                    self.held += len(part)
                    if size > self._most:
                        raise RefusedError(413, "too_large")
                    parts.append(part)
                    if not is_proved(request):
                        self._hold(deadline, size)
        except TimeoutError:
            raise RefusedError(408, "too_slow") from None
        except ClientDisconnect:
            raise RefusedError(400, "cut") from None
        finally:
            self.held -= size
            self._strangers_hold -= self._strangers.pop(deadline, 0)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _hold(self, reader: asyncio.Timeout, size: int) -> None:
        """Counts what a stranger's reader holds, and gives up the longest readers where all hold too much."""
        self._strangers_hold += size - self._strangers.get(reader, 0)
        self._strangers[reader] = size
        while self._strangers_hold > self._most_held // 2 and len(self._strangers) > 1:
            longest = next(iter(self._strangers))
            self._strangers_hold -= self._strangers.pop(longest)
            with contextlib.suppress(RuntimeError):  # its own time was up in the same moment
                longest.reschedule(asyncio.get_running_loop().time())


def json_of(body: bytes) -> Any:
    """Returns the JSON of a body.

    Raises:
        RefusedError: it is none, or nested deeper than anything we take.
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
    """Tells whether brackets nest too deep; first without a look at strings, since most bodies end there.

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
