"""Sends requests and reads their answers, within bounds.

The only file that knows an HTTP library: aiohttp's session with cookies, redirects, environment proxies, ``.netrc``
and repeats left out.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, cast

import aiohttp
import certifi
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct
from yarl import URL

from connectors.limits import forget_slot, is_slot_lost, take_slot_again
from connectors.models import Reply
from connectors.replies import HEADS, WIRE_CAP, BrokenError, NoSlotError, ReplyBytes, UnsentError

KEEPALIVE_S = 5.0  # below the vendors' own idle times, so that a paid request rarely meets a closing connection
LINE_CAP = 16 * 1024
SLOTS = 5  # then whatever takes so long is slower than any rate


class Patience(Struct, frozen=True):
    """Tells how long an exchange waits: for a connection to stand, for the next bytes, and for one to be free."""

    connect_s: float
    read_s: float
    room_s: float | None = None


class HttpEngine:
    """Keeps one vendor's connections. An exchange ends after ``deadline_s``, whatever arrives until then."""

    def __init__(self, connections: int, deadline_s: float) -> None:
        """Open nothing yet."""
        self._connections, self._deadline_s = connections, deadline_s
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, patience: Patience
    ) -> Reply:
        """Send one request and return its answer.

        Raises:
            UnsentError: no connection stood, so nothing was sent.
            NoSlotError: when one stood, the call was too late for its slot, and there is no other.
            BrokenError: the wire failed later.
        """
        if self._session is None:
            self._session = _session(self._connections)
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._session.request(
                    method,
                    _url(url),
                    headers=headers,
                    data=content or None,
                    timeout=_timeout(patience),
                    allow_redirects=False,
                )
                try:
                    names = _headers(response.raw_headers)
                    return Reply(response.status, names, await _body(response, names))
                finally:
                    response.close()
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            kind = UnsentError if _never_connected(failure) else BrokenError
            raise kind(type(failure).__name__) from None  # its text may hold what was received
        finally:
            forget_slot()  # a sign-in that comes next in this task has none


_url = functools.lru_cache(maxsize=512)(URL)  # most calls of a vendor go to the same few addresses


@functools.lru_cache(maxsize=64)
def _timeout(patience: Patience) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=patience.room_s, sock_connect=patience.connect_s, sock_read=patience.read_s)


def _never_connected(failure: BaseException) -> bool:
    """Tells whether the failure came before a connection stood.

    The exact class decides. Its bases do not: a server that reads the whole request and then closes is a connection
    error, too.
    """
    return isinstance(failure, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


async def _body(response: aiohttp.ClientResponse, headers: Mapping[str, str]) -> bytes:
    body = ReplyBytes(response.status, headers)
    while chunk := await response.content.readany():
        body.take(chunk)
    return body.whole()


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for key, value in raw:
        name = key.decode("latin-1").lower()
        text = value.decode("latin-1")
        if name != "set-cookie":  # may hold a session, and replies are kept
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


class _OneAnswer(ResponseHandler):
    """Reads one answer to one request, within bounds.

    The engine would read interim answers, lengths of chunks and trailers for ever, and keep what nobody asked for: the
    next request on that connection would get it for its own answer.
    """

    _heads = _arrived = 0
    _answered = True

    def set_response_params(self, **params: Any) -> None:
        """Begin to read the answer to a request."""
        self._heads, self._arrived, self._answered = 0, 0, False
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        self._arrived += len(data)
        if self._arrived > WIRE_CAP:
            self._end("bytes without end")
        else:
            super().data_received(data)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take a head, which the engine has read."""
        self._heads += 1
        if self._answered or self._heads > HEADS:
            return self._end("heads without end")
        self._answered = not 100 <= data[0].code < 200 or data[0].code == 101
        return super().feed_data(data, size)

    def _end(self, why: str) -> None:
        broken = HttpProcessingError(code=502, message=why)
        self.set_exception(broken)
        if self._payload is not None:
            self._payload.set_exception(aiohttp.ClientPayloadError(why))
        if self.transport is not None:
            self.transport.close()


class _Connector(aiohttp.TCPConnector):
    """Gives a connection to a call that is in time for its slot. Else the next slot is waited for without one."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the engine's
    ) -> aiohttp.connector.Connection:
        for _ in range(SLOTS):
            connection = await super().connect(req, traces, timeout)
            if not is_slot_lost():
                return connection
            connection.release()
            try:
                await take_slot_again()
            except Exception as error:
                raise NoSlotError(error) from error
        return await super().connect(req, traces, timeout)


def _session(connections: int) -> aiohttp.ClientSession:
    connector = _Connector(limit=connections, keepalive_timeout=KEEPALIVE_S, ssl=_tls())
    answers = functools.partial(_OneAnswer, asyncio.get_running_loop())
    connector._factory = cast("functools.partial[ResponseHandler]", answers)  # noqa: SLF001 - there is no other way in
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        max_line_size=LINE_CAP,
        max_field_size=LINE_CAP,
    )
    session._retry_connection = False  # noqa: SLF001 - it would send idempotent methods twice, past limiter and log
    return session
