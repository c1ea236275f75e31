"""Sends requests and reads their answers, within bounds.

The only file that knows an HTTP library: httpx's requests on aiohttp's engine, below httpx's client, so that cookies,
redirects, environment proxies and ``.netrc`` do not exist here.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from httpx_aiohttp import AiohttpTransport

from connectors.limits import forget_slot, is_slot_lost, take_slot_again
from connectors.models import Reply
from connectors.replies import HEADS, WIRE_CAP, BrokenError, NoSlotError, ReplyBytes, UnsentError

KEEPALIVE_S = 5.0  # below the vendors' own idle times, so that a paid request rarely meets a closing connection
LINE_CAP = 16 * 1024
SLOTS = 5  # a longer wait is slower than any rate


class HttpEngine:
    """Keeps one vendor's connections. An exchange ends after ``deadline_s``, whatever has arrived until then."""

    def __init__(self, connections: int, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._engine = AiohttpTransport(verify=_tls(), client=functools.partial(_session, connections))

    async def aclose(self) -> None:
        await self._engine.aclose()

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeouts: Mapping[str, float]
    ) -> Reply:
        """Send one request and return its answer.

        Raises:
            UnsentError: no connection stood, so nothing was sent.
            NoSlotError: the connection came too late for the call's slot, and there is no other.
            BrokenError: the wire failed later.
        """
        request = _request(method, url, headers, content, timeouts)
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._engine.handle_async_request(request)
                stream = cast("httpx.AsyncByteStream", response.stream)  # as the engine gives it, decoded by nobody
                try:
                    names = _headers(response.headers.raw)
                    body = ReplyBytes(response.status_code, names)
                    async for chunk in stream:
                        body.take(chunk)
                    return Reply(response.status_code, names, body.whole())
                finally:
                    await stream.aclose()
        except (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError) as failure:
            kind = UnsentError if _never_connected(failure) else BrokenError
            raise kind(type(failure).__name__) from None  # its text may contain received data
        finally:
            forget_slot()  # a sign-in that comes next in this task has none


_url = functools.lru_cache(maxsize=512)(httpx.URL)  # most calls of a vendor go to the same few addresses


def _request(
    method: str, url: str, headers: Mapping[str, str], content: bytes, timeouts: Mapping[str, float]
) -> httpx.Request:
    """Returns the request without the headers that the engine adds itself, which httpx would add for a ``content``."""
    stream = httpx.ByteStream(content)
    request = httpx.Request(method, _url(url), headers=headers, stream=stream, extensions={"timeout": timeouts})
    request.headers.encoding = "ascii"  # as httpx has written them; otherwise it finds out by trying
    request.read()
    return request


def _never_connected(failure: BaseException) -> bool:
    """Tells whether the failure came before a connection stood.

    The engine's own cause decides. Its httpx class does not: a server that reads the whole request and then closes
    is reported as a connect error. Only ``__cause__`` counts, since ``__context__`` may be the caller's own trouble.
    """
    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return isinstance(failure, kinds) or isinstance(failure.__cause__, kinds)


def _headers(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for key, value in raw:
        name = key.decode("latin-1").lower()
        text = value.decode("latin-1")
        if name != "set-cookie":  # may hold a session, and replies are kept
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class _OneAnswer(ResponseHandler):
    """Reads one answer to one request, within bounds.

    The engine would read interim replies, chunk lengths and trailers for ever, and keep unrequested replies: the
    next request on that connection would get them for its own.
    """

    _heads = _arrived = 0
    _answered = True

    def set_response_params(self, **params: Any) -> None:
        """Begin to read the answer to a request."""
        self._heads, self._arrived, self._answered = 0, 0, False
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
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
