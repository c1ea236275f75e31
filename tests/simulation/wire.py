"""The network between a process and the imitated vendors: the vendors' own code, called without sockets.

A request that left takes effect whether or not its sender lives. What the sender sees is drawn from the seed, in the
shapes the real engine has for it: a server that reads the whole request and then closes looks like a connect error.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from sandbox.calls import Call, Route
from sandbox.vendor import Vendor
from tests.simulation.loop import BATCH, PROCESS, Process
from tests.simulation.ports import OUTSIDE, TICKET, Ports

PAID = {"forager": re.compile(r"/datastorage/(?!.*totals|autocomplete|feedback)"), "kaspr": re.compile(r"/profile/")}
FAULTS = {  # name -> how often, against the others
    "unsent": 2, "closed before": 1, "closed after": 2, "timeout before": 1, "timeout after": 2, "500 before": 2,
    "503 after": 2, "408": 1, "429": 3, "cut": 2, "page": 1, "half": 1,
}  # fmt: skip
WITHOUT_EFFECT = frozenset(
    {"never left", "unsent", "closed before", "timeout before", "500 before", "429", "503 busy", "423"}
)
BUSY = ("503 busy", "503 busy after", "423")  # with the seconds to wait
LONGEST_WAIT_S = 25.0  # what is asked for longer is not waited for by the call, but by the visit
STALLED = 0.1  # of the faults of paid calls
RARE, RARER = ("reverse_lookup", "role_search"), 3  # paid calls that few records lead to fail so many times as often


class Request:
    """As much of a server's request as the imitations read."""

    def __init__(self, method: str, url: URL, headers: CIMultiDictProxy[str], match: Mapping[str, str]) -> None:
        self.method, self.rel_url, self.headers, self.match_info = method, url, headers, match
        self.path, self.path_qs, self.query = url.path, url.path_qs, url.query
        self.raw_path, self.query_string, self.host = url.raw_path, url.query_string, url.authority


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(eq=False, slots=True)
class Sent:
    """One request as the network saw it: when it departed, took effect and was answered (s; 0 = never)."""

    process: Process | None
    vendor: str
    route: str
    path: str = field(repr=False)
    body: bytes = field(repr=False)
    departed: float
    fault: str = ""
    effect: float = 0.0
    answered: float = 0.0
    entry: Any = None
    ticket: str = ""
    query: str = field(default="", repr=False)
    reply: bytes = field(default=b"", repr=False)
    batch: object = field(default=None, repr=False)  # the one that it was sent for

    @property
    def paid(self) -> bool:
        return self.vendor in PAID and bool(PAID[self.vendor].search(self.route))

    @property
    def told(self) -> bool:
        """Whether the sender, alive, got an answer that says what became of the call."""
        return bool(self.answered) and self.fault in {"", "429"} and not (self.process and self.process.dead)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Holds what becomes of a request: how it fails, and how long it takes before and after its effect.

    ``wait_s`` is what the vendor asks to wait.
    """

    fault: str = ""
    stalled_s: float = 0.0
    late_s: float = 0.0
    wait_s: float = 0.0


class Net:
    """The vendors of one run and everything that was ever sent to them."""

    def __init__(self, ports: Ports, vendors: Mapping[str, Vendor]) -> None:
        self.ports, self.vendors = ports, vendors
        self.sent: list[Sent] = []
        self.on_effect: Callable[[Sent], None] = lambda _sent: None
        self.is_update: Callable[[Sent], bool] = lambda _sent: False
        self.on_busy: Callable[[Sent, float], None] = lambda _sent, _wait_s: None
        self._routes = {name: _table(vendor) for name, vendor in vendors.items()}

    @property
    def under_way(self) -> bool:
        """Whether a request has still to take effect."""
        return any(not one.effect and one.fault not in WITHOUT_EFFECT for one in self.sent)

    async def exchange(
        self, name: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Answer, str]:
        """The vendor's answer and what is to be done to it on the way; raises what the engine raises."""
        ports, loop = self.ports, self.ports.loop
        target = URL(url)
        route, match = self._routes[name](method, target)
        query = target.query.get("q", "")
        port = f"{name} {method} {_short(route.template)}{_kind(query)}"
        process = PROCESS.get()
        sent = Sent(process, name, route.template, target.path, body, loop.time(), ticket=TICKET.get())
        sent.batch = BATCH.get()
        sent.query = query
        self.sent.append(sent)
        side = ports.enter(port)
        if side == "before":
            sent.fault = "never left"
            await ports.die(process)
        trouble = self.trouble(port, sent)
        fault = sent.fault = trouble.fault
        answer: asyncio.Future[Answer] = loop.create_future()
        request = Request(method, target, CIMultiDictProxy(CIMultiDict(headers)), match)
        back = ports.chance.uniform(0.01, 0.3) + trouble.late_s

        def happen() -> None:
            told = self._serve(self.vendors[name], request, body, route, sent)
            sent.effect = loop.time()
            self.on_effect(sent)
            loop.call_later(back, _give, answer, told, context=OUTSIDE)
            if side == "after" and process is not None and not process.dead:
                ports.kill(process)

        if fault == "unsent":
            await ports.pause(back)
            raise httpx.ConnectError("refused") from aiohttp.ClientConnectorError(_KEY, OSError("refused"))
        if fault == "429":
            await ports.pause(back)
            sent.answered = loop.time()
            return self._limited(), ""
        if fault == "500 before":
            await ports.pause(back)
            sent.answered = loop.time()
            return Answer(ports.chance.choice((500, 502, 504)), [], b"try later"), ""
        if fault in {"503 busy", "423"}:
            await ports.pause(back)
            sent.answered = loop.time()
            return _asked(int(fault[:3]), trouble.wait_s), ""
        if fault == "closed before":
            await ports.pause(back)
            raise httpx.ConnectError("closed") from aiohttp.ServerDisconnectedError()
        if fault == "timeout before":
            await ports.pause(60)
            raise httpx.ReadTimeout("silence") from aiohttp.SocketTimeoutError()
        there = ports.chance.uniform(0.01, 0.4) + trouble.stalled_s
        loop.call_later(there, happen, context=OUTSIDE)
        told = await answer
        sent.answered = loop.time()
        match fault:
            case "closed after":
                raise httpx.ConnectError("closed") from aiohttp.ServerDisconnectedError()
            case "timeout after":
                await ports.pause(60)
                raise httpx.ReadTimeout("silence") from aiohttp.SocketTimeoutError()
            case "503 after":
                return Answer(503, [], b"try later"), ""
            case "503 busy after":
                return _asked(503, trouble.wait_s), ""
            case "408":
                return Answer(408, [], b""), ""
            case "page":
                return Answer(200, [("content-type", "text/html")], b"<html>maintenance</html>"), ""
            case "half":
                return Answer(told.status, told.headers, told.body[: len(told.body) // 2]), ""
            case _:
                return told, fault

    def trouble(self, port: str, sent: Sent) -> Trouble:
        """Returns what becomes of a request on its way."""
        fault, stalled_s = self._drawn(port, paid=sent.paid)
        wait_s = self._busy(sent) if not fault else 0.0
        if wait_s:
            fault = self.ports.busy.choice(BUSY)
            self.ports.matrix[port, fault] += 1
        return Trouble(fault, stalled_s, wait_s=wait_s)

    def _drawn(self, port: str, *, paid: bool) -> tuple[str, float]:
        ports, plan, stalled = self.ports, self.ports.plan, 0.0
        often = plan.paid_rate * (RARER if any(word in port for word in RARE) else 1)
        if paid and ports.paid_faults < plan.paid_most and ports.chance.random() < often:
            ports.paid_faults += 1
            if ports.chance.random() < STALLED:
                ports.matrix[port, "stall"] += 1
                return "", ports.chance.uniform(40, 100)
            return self._fault(port), 0.0
        if not ports.faulty:
            return "", 0.0
        calm = plan.frozen_s and not (ports.frozen and ports.frozen.frozen)
        if plan.stall_rate and not calm and ports.chance.random() < plan.stall_rate:
            stalled = ports.chance.uniform(40, 100)
            ports.matrix[port, "stall"] += 1
        if not plan.vendor_rate or ports.chance.random() >= plan.vendor_rate:
            return "", stalled
        return self._fault(port), stalled

    def _busy(self, sent: Sent) -> float:
        """For how many seconds (0 = it is not) a write is asked to wait."""
        ports, plan = self.ports, self.ports.plan
        if not plan.busy_rate or not ports.faulty or not self.is_update(sent) or ports.busy.random() >= plan.busy_rate:
            return 0.0
        wait_s = ports.busy.uniform(1, LONGEST_WAIT_S)
        self.on_busy(sent, wait_s)
        return wait_s

    def _fault(self, port: str) -> str:
        ports, plan = self.ports, self.ports.plan
        kinds = {name: weight for name, weight in FAULTS.items() if name in plan.kinds} if plan.kinds else FAULTS
        fault = ports.chance.choices(tuple(kinds), tuple(kinds.values()))[0]
        ports.matrix[port, fault] += 1
        return fault

    def _limited(self) -> Answer:
        chance = self.ports.chance
        ask = chance.choice(("", str(chance.randrange(1, 20)), "date"))
        if ask == "date":
            ask = formatdate(self.ports.loop.time() + chance.randrange(1, 20), usegmt=True)
        headers = [("retry-after", ask)] if ask else []
        return Answer(429, [*headers, ("date", self._date())], b"{}")

    def _serve(self, vendor: Vendor, request: Request, body: bytes, route: Route, sent: Sent) -> Answer:
        if request.method == "POST":  # a vendor may lower a page
            body = body.replace(b'"limit":200', b'"limit":3')
        entry = vendor.books.request(request.method, route.template)
        call = Call(request, body, route, entry, vendor)  # type: ignore[arg-type]  # it reads what `Request` has
        reply = vendor.answer(call)
        entry.status, entry.answered = reply.status, True
        sent.entry = entry
        sent.reply = reply.raw()
        headers = [(name.lower(), value) for name, value in reply.headers.items()]
        return Answer(
            reply.status, [("content-type", reply.content_type), ("date", self._date()), *headers], sent.reply
        )

    def _date(self) -> str:
        return formatdate(self.ports.loop.time(), usegmt=True)


def _asked(status: int, wait_s: float) -> Answer:
    return Answer(status, [("retry-after", str(int(wait_s)))], b"{}")


_KEY: Any = SimpleNamespace(ssl=False, host="vendor", port=443)


class Engine(httpx.AsyncBaseTransport):
    """In the place of the real engine, below a connector's ``Transport``."""

    def __init__(self, net: Net, vendor: str) -> None:
        self._net, self._vendor = net, vendor

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer, fault = await self._net.exchange(
            self._vendor, request.method, str(request.url), _names(request.headers.raw), request.content
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer.body, cut=fault == "cut"))


def _names(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    return {name.decode().lower(): value.decode() for name, value in raw}


class _Stream(httpx.AsyncByteStream):
    def __init__(self, body: bytes, *, cut: bool) -> None:
        self._body, self._cut = body, cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._cut:
            yield self._body[: len(self._body) // 2]
            raise httpx.ReadError("reset") from aiohttp.ClientPayloadError()
        yield self._body


def _table(vendor: Vendor) -> Callable[[str, URL], tuple[Route, Mapping[str, str]]]:
    routes = [(route, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.template))) for route in vendor.routes()]
    unmatched = Route("*", "unmatched", vendor.unmatched)

    def find(method: str, url: URL) -> tuple[Route, Mapping[str, str]]:
        for route, pattern in routes:
            if route.method == method and (found := pattern.fullmatch(url.path.rstrip("/"))):
                return route, found.groupdict()
        return unmatched, {}

    return find


@cache
def _short(template: str) -> str:
    parts = [part for part in template.split("/") if part and "{" not in part and not re.fullmatch(r"v?\d[\d-]*", part)]
    return "/".join(parts[-3:])


def _kind(query: str) -> str:
    """Returns what a query of an org is for: one path serves them all."""
    if not query:
        return ""
    return " poll" if "SystemModstamp >" in query else " read" if "WHERE Id IN" in query else " find"


def _give(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
