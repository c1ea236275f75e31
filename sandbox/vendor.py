"""Leads a request of any of the five imitations through faults, access, limits, handler and holds."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.utils import formatdate
from typing import Any, ClassVar

from aiohttp import web

from sandbox.books import Books
from sandbox.calls import BadBodyError, Call, Reply, Route
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.forms import Form, PlayError
from sandbox.holds import Holds
from sandbox.latency import Latency, Pace
from sandbox.limits import Limits, Window
from sandbox.options import Options
from sandbox.people import World
from sandbox.spoiling import send_spoiled
from sandbox.weather import Weather

Windows = Mapping[str, Mapping[str, tuple[Window, ...]]]
Switches = Mapping[str, tuple[Any, ...]]
Mount = Callable[[web.Application, Any], None]
"""Adds routes beside a vendor's own paths, given its application and the vendor."""
MAX_BODY = 16 * 1024 * 1024


class Vendor(ABC):
    """Subclasses give routes and override the hooks below `routes` that the vendor has.

    Handlers are plain functions, so each request is one step for all others; latency and holds come after it.
    """

    name: ClassVar[str]
    base_path: ClassVar[str] = ""
    """The path of the vendor's documented base URL."""
    windows: ClassVar[Windows] = {}
    """`--limits` mode -> bucket -> windows."""
    paces: ClassVar[Mapping[str, Pace]] = {
        "demo": Pace(0.02, 0.4, 0.5),
        "real": Pace(0.35, 0.6, 20.0),
    }
    """`--latency` mode -> pace."""

    switches: ClassVar[Switches] = {}
    """Attributes a test may set through POST /_sandbox/switches, with the values they take; the first is the start."""

    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        self.world = world
        self.options = options
        self.clock = clock or Clock()
        self.books = Books(self.name, self.clock, options.books_kept)
        weather = Weather(options.faults, options.seed, self.name) if options.faults != "none" else None
        self.faults = Faults(weather)
        self.holds = Holds()
        self.limits = Limits(self.clock, self.windows.get(options.limits, {}))
        self.latency = Latency(self.paces.get(options.latency, Pace()), options.seed)
        self.balance = float(options.credits)
        self.date: str | None = None
        """The `Date` that replies bear in place of the clock's; "" for none at all."""
        self.origin = ""
        """Set when the port is bound, such as `http://127.0.0.1:4711`."""
        for switch, values in self.switches.items():
            setattr(self, switch, values[0])

    @property
    def base_url(self) -> str:
        return self.origin + self.base_path

    # a vendor's announcements about itself

    @abstractmethod
    def routes(self) -> Iterable[Route]:
        """Lists the routes in the order of the contract."""

    def credentials(self) -> dict[str, Any]:
        """Returns the credentials of a client; printed at the start."""
        return {}

    def admit(self, call: Call) -> Reply | None:
        """Returns the refusal of a request without access, or None."""
        del call
        return None

    def limit(self, call: Call) -> Reply | None:
        """Returns the vendor's own 429, or None; takes the request's place in its windows."""
        del call
        return None

    def headers(self, call: Call, reply: Reply) -> dict[str, str]:
        """Headers of every answer, such as the rest of the limits."""
        del call, reply
        return {}

    def bad_body(self, call: Call) -> Reply:
        """Returns the refusal of a body that is not JSON or not an object."""
        del call
        return Reply(400, {"message": "Invalid input JSON"})

    def unmatched(self, call: Call) -> Reply:
        del call
        return Reply(404, {"message": "Not found"})

    def take_credits(self, credits: float) -> None:
        self.balance -= credits

    def set_balance(self, pools: Mapping[str, float]) -> None:
        """Sets the balance; `credits` is the one pool every provider has."""
        self.balance = float(pools.get("credits", self.balance))

    def pools(self) -> dict[str, float]:
        """Returns the balance, by pool."""
        return {"credits": self.balance}

    def turn(self, switch: str, value: Any) -> None:
        """Sets a switch. Raises: ValueError for one the vendor does not have, or a value it does not take."""
        if value not in self.switches.get(switch, ()):
            raise ValueError(switch)
        setattr(self, switch, value)

    def act(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Does something only this vendor can, for POST /_sandbox/act/{action}. Raises: KeyError for any other."""
        del body
        raise KeyError(action)

    def truth(self) -> dict[str, Any]:
        """Adds the vendor's own state to GET /_sandbox/world."""
        return {}

    # the controls of the page, see `play`

    def forms(self) -> Iterable[Form]:
        """Returns the offers of this vendor's page alone."""
        return ()

    def play(self, action: str, fields: Mapping[str, str]) -> str:
        """Carries out one of `forms` and says so in a sentence. Raises: PlayError with the reason why not."""
        del fields
        raise PlayError(f"there is no form {action}")

    def some_people(self) -> Iterable[tuple[str, str]]:
        """Returns a few of its rows for the page: id and data."""
        return ()

    # the way of a request

    def answer(self, call: Call) -> Reply:
        """Answers a request: access, limits, handler, common headers."""
        try:
            reply = self.admit(call) or self.limit(call) or call.route.handler(call)
        except BadBodyError:
            reply = self.bad_body(call)
        reply.headers.update(self.headers(call, reply))
        return reply

    async def serve(self, request: web.Request, route: Route) -> web.StreamResponse:
        """Serves one request from its last byte to the answer."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            body = b""
        call = Call(request, body, route, self.books.request(request.method, route.template), self)
        rule = self.faults.pick(call)
        hold = self.holds.pick(call)
        if rule:
            call.entry.fault = rule.kind
        if hold and not hold.effect:
            await self.holds.keep(call)
        reply = self.answer(call) if rule is None or rule.takes_effect else Reply(200, {})
        call.entry.status = reply.status if rule is None or rule.takes_effect else 0
        if pause := self.latency.sample():
            await asyncio.sleep(pause)
        if hold and hold.effect:
            await self.holds.keep(call)
        if rule and rule.kind == "hang":
            await self.holds.keep(call)
        elif rule:
            return await send_spoiled(rule, call, reply)
        call.entry.answered = True
        return reply.response()

    def application(self, mounts: Iterable[Mount] = ()) -> web.Application:
        """Returns the application: what ``mounts`` add, then the vendor's own paths."""
        app = web.Application(client_max_size=MAX_BODY)
        for mount in mounts:
            mount(app, self)
        for route in self.routes():
            app.router.add_route(route.method, route.template, self._endpoint(route))
        app.router.add_route("*", "/{tail:.*}", self._endpoint(Route("*", "unmatched", self.unmatched)))

        async def let_go(_: web.Application) -> None:
            self.holds.release()

        async def dated(_: web.Request, response: web.StreamResponse) -> None:
            response.headers["Date"] = formatdate(self.clock.wall(), usegmt=True) if self.date is None else self.date
            if not response.headers["Date"]:
                del response.headers["Date"]

        app.on_shutdown.append(let_go)
        app.on_response_prepare.append(dated)
        return app

    def _endpoint(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def endpoint(request: web.Request) -> web.StreamResponse:
            return await self.serve(request, route)

        return endpoint


def as_int(text: str | None, default: int) -> int:
    """Returns a query parameter as a number, or the default."""
    with contextlib.suppress(ValueError, TypeError):
        return int(text or "")
    return default
