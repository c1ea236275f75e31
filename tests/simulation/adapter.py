"""The simulated network below requests: a call ends the function that makes it, which is run anew with the answer.

So what the product does in a thread takes virtual time, and needs none.
"""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import httpx
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from tests.simulation.loop import DepartedError
from tests.simulation.wire import Answer, Net

_POOL: Any = None  # urllib3's errors name one; nobody looks


class Adapter(BaseAdapter):
    """In the place of requests' own, below a session. One request at a time departs from it or comes back."""

    def __init__(self, net: Net, vendor: str) -> None:
        super().__init__()
        self._net, self._vendor = net, vendor
        self._back: tuple[str, requests.RequestException | tuple[Answer, str]] | None = None

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        """The answer that has come back; before it has, the function that called ends here.

        Raises:
            DepartedError: the request goes now.
            requests.RequestException: what requests raises for what the network did.
        """
        back, self._back = self._back, None
        if back is None:
            raise DepartedError(self._cross(request))
        url, told = back
        assert url == request.url, "another call came back than the one that departed"
        if isinstance(told, requests.RequestException):
            raise told
        return _response(request, *told)

    def close(self) -> None:
        """Nothing is open."""

    async def _cross(self, request: requests.PreparedRequest) -> None:
        """Nothing else runs between the end of this and the function that is run anew."""
        told: requests.RequestException | tuple[Answer, str]
        body, url = request.body or b"", request.url or ""
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        sent = body.encode() if isinstance(body, str) else bytes(body)
        try:
            told = await self._net.exchange(self._vendor, request.method or "", url, headers, sent)
        except httpx.HTTPError as failure:
            told = _failure(failure, url)
        self._back = (url, told)


def _failure(failure: httpx.HTTPError, url: str) -> requests.RequestException:
    """Returns what requests says where the other engine says ``failure``."""
    if isinstance(failure, httpx.ReadTimeout):
        return requests.ReadTimeout("silence")
    if isinstance(failure.__cause__, aiohttp.ClientConnectorError):
        refused = NewConnectionError(_POOL, "refused")
        return requests.ConnectionError(MaxRetryError(_POOL, url, refused))
    return requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError()))


def _response(request: requests.PreparedRequest, answer: Answer, fault: str) -> requests.Response:
    body, headers = answer.body, [(name, value) for name, value in answer.headers if name != "content-length"]
    if fault == "cut":  # urllib3 finds less than was promised
        headers.append(("content-length", str(len(body) + 1)))
        body = body[: len(body) // 2]
    raw = HTTPResponse(
        io.BytesIO(body),
        HTTPHeaderDict(headers),
        answer.status,
        preload_content=False,
        request_method=request.method,
    )
    return HTTPAdapter().build_response(request, raw)
