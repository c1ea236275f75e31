"""Opens a plain HTTP client for one imitation, and a listener to it: what they show is seen as anybody sees it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

from sandbox.options import Options
from sandbox.serve import running
from sandbox.vendor import Vendor

TOKEN = "pat-na1-sandbox-0000-0000"
AUTHORIZATION = {
    "forager": {"X-API-KEY": "forager-sandbox-key", "User-Agent": "refill-tests"},
    "kaspr": {"Authorization": "Bearer kaspr-sandbox-key"},
    "openprospect": {"Authorization": "Bearer lnc_live_sandbox0001"},
    "hubspot": {"Authorization": f"Bearer {TOKEN}"},
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


async def token(session: aiohttp.ClientSession, origin: str, held: Mapping[str, Any], **form: str) -> dict[str, Any]:
    """Returns the body of an org's token answer; `status` is put in."""
    client = {"client_id": held["client_id"], "client_secret": held["client_secret"]}
    async with session.post(f"{origin}/services/oauth2/token", data={**client, **form}) as response:
        body: dict[str, Any] = await response.json()
        return {**body, "status": response.status}


@asynccontextmanager
async def org_of(**options: Any) -> AsyncIterator[Client]:
    """Yields a client that has signed in at an org of its own."""
    async with running(Options(vendors=("salesforce",), **options)) as vendors, aiohttp.ClientSession() as session:
        vendor = vendors["salesforce"]
        granted = await token(session, vendor.origin, vendor.credentials(), grant_type="client_credentials")
        session.headers["Authorization"] = f"Bearer {granted['access_token']}"
        yield Client(vendor, session)


class Hook:
    """Keeps what is posted to it, and answers with each of ``answers`` in turn, then with the last again."""

    def __init__(self, answers: Sequence[tuple[int, str]]) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self._answers, self._come = list(answers), asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        self._come.set()
        status, text = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return web.Response(status=status, text=text, content_type="text/xml")

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not wanted():
                self._come.clear()
                await self._come.wait()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.bodies for event in json.loads(body)]


@asynccontextmanager
async def listening(*answers: tuple[int, str]) -> AsyncIterator[tuple[Hook, str]]:
    """Yields a listener on this machine, and its address."""
    hook, app = Hook(answers or ((200, ""),)), web.Application()
    app.router.add_post("/hook", hook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield hook, f"http://{host}:{port}/hook"
    finally:
        await runner.cleanup()


def acknowledged(told: str = "true") -> str:
    """Returns the answer to an outbound message."""
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        f'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{told}</Ack>'
        "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
    )
