"""Runs simple-salesforce in threads.

One client for one thread at a time, no login, no retry, no environment.

The library speaks https only, knows no timeout, and puts bodies and URLs into its exceptions. So an adapter adds the
timeouts (and plain http for a loopback host), every answer is taken in a hook before the library judges it, and its
exceptions end here. A thread cannot be stopped, but its connection can be shut: that is how a call ends at its deadline
regardless of further bytes from the other side. Source: simple-salesforce 1.12, read and tried 2026-11-20.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import queue
import socket
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from math import inf
from time import perf_counter
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

from connectors.models import Reply
from connectors.replies import HEADS, WIRE_CAP, BrokenError, ReplyBytes, UnsentError
from connectors.salesforce.options import CONCURRENCY
from connectors.transport import USER_AGENT


class Call(Struct, frozen=True):
    """Describes one request. ``path`` is below the versioned root, or with a slash in front below the host's."""

    method: str
    path: str
    params: Mapping[str, str] | None = None
    json: Any = None
    headers: Mapping[str, str] | None = None


class _BoundedSource(io.RawIOBase):
    """Reads a connection up to a number of bytes. ``is_over`` says that its other side has closed."""

    def __init__(self, source: io.RawIOBase, most: int) -> None:
        self._source, self._left, self.is_over = source, most, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        size = self._source.readinto(buffer)
        self.is_over = size == 0
        self._left -= size or 0
        if self._left < 0:
            raise HTTPException("bytes without end")
        return size

    def close(self) -> None:
        self._source.close()
        super().close()


class _BoundedAnswer(HTTPResponse):
    """Reads one answer, within bounds.

    The library would read interim answers, and trailers, for ever, and takes half a head for a whole one.
    """

    _heads = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._source = _BoundedSource(self.fp.detach(), WIRE_CAP)
        self.fp = io.BufferedReader(self._source)

    def begin(self) -> None:
        super().begin()
        if self._source.is_over:  # read only if no blank line had ended the head
            raise HTTPException("half a head")

    def _read_status(self) -> tuple[str, int, str]:
        self._heads += 1
        if self._heads > HEADS:
            raise HTTPException("heads without end")
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # its own step, not in its types
        return status


class _Cut:
    """Ends a connection's work for one call, from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._call: Call | None = None
        self._over = False

    def begin(self, call: Call | None) -> None:
        """Note for which call the connection works from now on, ``None`` for none."""
        with self._lock:
            self._call, self._over = call, False

    def connected(self, sock: socket.socket | None) -> None:
        """Note its connection."""
        with self._lock:
            self._sock = sock
            self._shut()

    def end(self, call: Call) -> None:
        """End the work for this call, if it is still going on: its reader finds the connection shut."""
        with self._lock:
            self._over = self._over or self._call is call
            self._shut()

    def _shut(self) -> None:
        if self._over and self._sock is not None:
            with contextlib.suppress(OSError):  # gone already
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # below TLS, which another thread uses


class _Adapter(HTTPAdapter):
    """Adds default timeouts, and the scheme of the instance in place of the library's https.

    Nothing leaves after ``until`` (s), neither because its thread began late nor because it waited for a connection.
    """

    def __init__(self, instance: str, timeouts: tuple[float, float]) -> None:
        self._scheme, self._timeouts, self.until = urlsplit(instance).scheme, timeouts, inf
        self.cut = _Cut()
        super().__init__(pool_connections=1, pool_maxsize=1)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Returns the pool, whose connections can be cut."""
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))
        cut, kind = self.cut, HTTPSConnection if self._scheme == "https" else HTTPConnection

        class Cuttable(kind):  # type: ignore[misc,valid-type]  # one of two
            response_class = _BoundedAnswer

            def connect(self) -> None:
                super().connect()
                cut.connected(self.sock)

        pool.ConnectionCls = Cuttable
        return pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = urlsplit(request.url or "")._replace(scheme=self._scheme).geturl()
        connect_s, read_s = self._timeouts
        connect_s = min(connect_s, self.until - perf_counter())
        if connect_s <= 0:
            raise requests.ConnectTimeout("late", request=request)
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (connect_s, read_s)
        return super().send(request, *args, **kwargs)


class _Line:
    """Holds one client on one instance."""

    def __init__(self, instance: str, version: str, timeouts: tuple[float, float]) -> None:
        self.instance, self.token = instance, ""
        self._reply: Reply | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.headers["Accept-Encoding"] = "gzip"
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.auth = self._signed
        self._session.hooks["response"].append(self._taken)
        self._session.adapters.clear()  # so that no redirect leads to another host
        self._place = urlsplit(instance).netloc
        self._adapter = _Adapter(instance, timeouts)
        self._session.mount(f"https://{self._place}/", self._adapter)
        self._client = Salesforce(
            instance_url=f"https://{self._place}",
            session_id="unused",
            version=version,
            session=self._session,
            object_pairs_hook=dict,
        )

    def close(self) -> None:
        self._session.close()

    def end(self, call: Call) -> None:
        """End a call, from another thread, if it is still under way."""
        self._adapter.cut.end(call)

    def exchange(self, call: Call, token: str, until: float) -> Reply:
        """Send once, before ``until`` (s).

        Raises:
            UnsentError: no connection stood.
            BrokenError: one stood, and no whole answer came.
        """
        self.token, self._reply, self._adapter.until = token, None, until
        self._adapter.cut.begin(call)
        try:
            with contextlib.suppress(SalesforceError):
                if call.path.startswith("/"):
                    self._session.request(call.method, f"https://{self._place}{call.path}", allow_redirects=False)
                else:
                    self._client.restful(
                        call.path,
                        params=dict(call.params or {}),
                        method=call.method,
                        json=call.json,
                        headers=dict(call.headers or {}),
                        allow_redirects=False,
                    )
        except (requests.RequestException, HTTPException, OSError, ValueError) as failure:
            if self._reply is None:
                kind = UnsentError if _never_connected(failure) else BrokenError
                raise kind(type(failure).__name__) from None  # its text holds the query
        finally:
            self._adapter.cut.begin(None)
        if self._reply is None:
            raise BrokenError("no answer")
        return self._reply

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _taken(self, response: requests.Response, **_kwargs: Any) -> requests.Response:
        """Keep the answer; the library gets one of the same status that is quick to parse and leads nowhere.

        Raises:
            UnfitError: it is larger than we take, or packed in a way we cannot read.
            BrokenError: it was cut short.
        """
        names = {name.lower(): value for name, value in response.headers.items() if name.lower() != "set-cookie"}
        try:
            body = ReplyBytes(response.status_code, names)
            for part in response.raw.stream(64 * 1024, decode_content=False):
                body.take(part)
            self._reply = Reply(response.status_code, names, body.whole())
        except (HTTPError, HTTPException, OSError, ValueError) as failure:  # the last: a chunk of a negative length
            raise BrokenError(type(failure).__name__) from None
        finally:
            if self._reply is None:
                response.close()
        blank = requests.Response()
        blank.status_code, blank.url, blank.raw = response.status_code, response.url, io.BytesIO(b"{}")
        return blank


def _never_connected(failure: BaseException) -> bool:
    if isinstance(failure, requests.exceptions.ConnectTimeout):
        return True
    inner = failure.args[0] if isinstance(failure, requests.exceptions.ConnectionError) and failure.args else None
    reason = inner.reason if isinstance(inner, MaxRetryError) else inner
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


class Lines:
    """Keeps as many clients as threads.

    Each is one thread's while it is used, also when the asker has given up.
    """

    def __init__(self, name: str, version: str, connect_s: float, read_s: float) -> None:
        self._version, self._timeouts = version, (connect_s, read_s)
        self._idle: queue.SimpleQueue[_Line] = queue.SimpleQueue()
        self._closed = False
        self._deadline_s = connect_s + read_s
        self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix=name)

    async def exchange(self, call: Call, instance: str, token: str, within_s: float = inf) -> Reply:
        """Send once, in a thread, within ``within_s`` from now or not at all. Raises: as ``_Line.exchange``.

        Past the deadline its connection is shut, also when the asker has given up before, so that the thread ends.
        """
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        used: list[_Line] = []
        sending = loop.run_in_executor(
            self._threads, context.run, self._exchange, call, instance, token, perf_counter() + within_s, used
        )
        cutting = loop.call_later(self._deadline_s, _end, used, call)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await sending
        except TimeoutError:
            cutting.cancel()
            _end(used, call)
            raise BrokenError("deadline") from None
        finally:
            if sending.done() and not sending.cancelled():
                cutting.cancel()

    def close(self) -> None:
        """Let the threads end; a call under way is not waited for."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._drop_idle()

    def _drop_idle(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _exchange(self, call: Call, instance: str, token: str, until: float, used: list[_Line]) -> Reply:
        line = self._line(instance)
        used.append(line)
        try:
            return line.exchange(call, token, until)
        finally:
            self._idle.put(line)
            if self._closed:
                self._drop_idle()

    def _line(self, instance: str) -> _Line:
        with contextlib.suppress(queue.Empty):
            while True:
                line = self._idle.get_nowait()
                if line.instance == instance:
                    return line
                line.close()  # the org moved: what knew the old host is of no use
        return _Line(instance, self._version, self._timeouts)


def _end(used: Sequence[_Line], call: Call) -> None:
    for line in used:
        line.end(call)
