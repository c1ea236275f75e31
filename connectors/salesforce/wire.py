"""Provides simple-salesforce in threads.

One client for one thread at a time, no login, no retry, no environment of its own.

The library speaks https only, knows no timeout, and puts bodies and URLs into its exceptions. So an adapter adds the
timeouts (and plain http for a loopback host), every answer is taken in a hook before the library judges it, and its
exceptions end here. Source: simple-salesforce 1.12, read and tried 2026-11-20.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import queue
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from math import inf
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from connectors.models import Reply
from connectors.salesforce.options import CONCURRENCY
from connectors.transport import BODY_CAP, USER_AGENT, BrokenError, UnfitError, UnsentError


@dataclass(frozen=True, slots=True)
class Call:
    """Represents one request. ``path`` is below the versioned root, or with a slash in front below the host's."""

    method: str
    path: str
    params: Mapping[str, str] | None = None
    json: Any = None
    headers: Mapping[str, str] | None = None


class _Adapter(HTTPAdapter):
    """Adds default timeouts, and the scheme of the instance in place of the library's https.

    Nothing leaves after ``until`` (s), neither because its thread began late nor because it waited for a connection.
    """

    def __init__(self, instance: str, timeouts: tuple[float, float]) -> None:
        self._scheme, self._timeouts, self.until = urlsplit(instance).scheme, timeouts, inf
        super().__init__(pool_connections=1, pool_maxsize=1)

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
    """Represents one client on one instance."""

    def __init__(self, instance: str, version: str, timeouts: tuple[float, float]) -> None:
        self.instance, self.token = instance, ""
        self._reply: Reply | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = USER_AGENT
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

    def exchange(self, call: Call, token: str, until: float) -> Reply:
        """Send once, before ``until`` (s).

        Raises:
            UnsentError: no connection stood.
            BrokenError: one stood, and no whole answer came.
        """
        self.token, self._reply, self._adapter.until = token, None, until
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
        except (requests.RequestException, OSError) as failure:
            if self._reply is None:
                kind = UnsentError if _never_connected(failure) else BrokenError
                raise kind(type(failure).__name__) from None  # its text holds the query
        if self._reply is None:
            raise BrokenError("no answer")
        return self._reply

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _taken(self, response: requests.Response, **_kwargs: Any) -> requests.Response:
        """Keep the answer; the library gets one of the same status that is quick to parse and leads nowhere.

        Raises:
            UnfitError: it is larger than we take.
        """
        names = {name.lower(): value for name, value in response.headers.items() if name.lower() != "set-cookie"}
        parts, size = [], 0
        for part in response.iter_content(64 * 1024):
            parts.append(part)
            size += len(part)
            if size > BODY_CAP:
                response.close()
                raise UnfitError("body size")
        self._reply = Reply(response.status_code, names, b"".join(parts))
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
    """Represents clients as many as threads.

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

        A thread cannot be stopped: past the deadline it is left to its own end, and its answer is not looked at.
        """
        context = contextvars.copy_context()
        sending = asyncio.get_running_loop().run_in_executor(
            self._threads, context.run, self._exchange, call, instance, token, perf_counter() + within_s
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                return await sending
        except TimeoutError:
            raise BrokenError("deadline") from None

    def close(self) -> None:
        """Let the threads end; a call under way is not waited for."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._drop_idle()

    def _drop_idle(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _exchange(self, call: Call, instance: str, token: str, until: float) -> Reply:
        line = self._line(instance)
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
