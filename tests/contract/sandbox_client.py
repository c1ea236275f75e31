"""A plain HTTP client for one imitation, so that what it shows is seen as any client sees it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from sandbox.options import Options
from sandbox.serve import running
from sandbox.vendor import Vendor

AUTHORIZATION = {
    "forager": {"X-API-KEY": "forager-sandbox-key", "User-Agent": "refill-tests"},
    "kaspr": {"Authorization": "Bearer kaspr-sandbox-key"},
    "openprospect": {"Authorization": "Bearer lnc_live_sandbox0001"},
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Client:
    vendor: Vendor
    session: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request below the vendor's base URL; redirects are not followed."""
        return await self._send(method, self.vendor.base_url + path, body, headers)

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)

    async def post(self, path: str, **body: Any) -> Answer:
        return await self.ask("POST", path, body)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._send(method, f"{self.vendor.origin}/_sandbox/{path}", body, None)
        assert answer.status == 200, answer.text
        return answer.json

    @property
    def charged(self) -> list[tuple[str, str, float]]:
        return [(one.operation, one.identity, one.credits) for one in self.vendor.books.charges]

    async def _send(self, method: str, url: str, body: Any, headers: Mapping[str, str] | None) -> Answer:
        given = None if body is None else json.dumps(body).encode()
        async with self.session.request(method, url, data=given, headers=headers, allow_redirects=False) as got:
            return Answer(got.status, got.headers, (await got.read()).decode())


@asynccontextmanager
async def client_of(name: str, **options: Any) -> AsyncIterator[Client]:
    """A vendor of its own and a client with its credentials."""
    async with (
        running(Options(vendors=(name,), **options)) as vendors,
        aiohttp.ClientSession(headers=AUTHORIZATION[name]) as session,
    ):
        yield Client(vendors[name], session)
