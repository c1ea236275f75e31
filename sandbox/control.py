"""Serves the control API that every vendor's port has under `/_sandbox/`."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.books import KINDS
from sandbox.holds import Hold
from sandbox.latency import Pace
from sandbox.limits import Window
from sandbox.vendor import Vendor
from sandbox.weather import LEVELS, Weather

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_control(app: web.Application, vendor: Vendor) -> None:
    control = _Control(vendor)
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "books", control.books),
        ("POST", "reset-books", control.reset_books),
        ("POST", "reset-limits", control.reset_limits),
        ("GET", "summary", control.summary),
        ("GET", "world", control.world),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.add_faults),
        ("DELETE", "faults", control.clear_faults),
        ("POST", "weather", control.weather),
        ("POST", "hold", control.hold),
        ("GET", "held", control.held),
        ("POST", "release", control.release),
        ("POST", "limits", control.limits),
        ("POST", "latency", control.latency),
        ("POST", "balance", control.balance),
        ("POST", "clock", control.clock),
        ("GET", "switches", control.switches),
        ("POST", "switches", control.turn),
        ("POST", "act/{action}", control.act),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, f"/_sandbox/{path}", handler)


class _Control:
    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    async def books(self, request: web.Request) -> web.Response:
        """Lists entries: `?kind=requests|charges|writes&since=N&route=TEMPLATE`; all three kinds by default."""
        query = request.query
        kinds = [query["kind"]] if query.get("kind") in KINDS else list(KINDS)
        since, route = int(query.get("since", "0")), query.get("route", "")
        return web.json_response({kind: self.vendor.books.entries(kind, since=since, route=route) for kind in kinds})

    async def reset_books(self, _: web.Request) -> web.Response:
        self.vendor.books.reset()
        return web.json_response({})

    async def reset_limits(self, _: web.Request) -> web.Response:
        self.vendor.limits.empty()
        return web.json_response({})

    async def summary(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "vendor": self.vendor.name,
                **self.vendor.books.summary(),
                "balance": self.vendor.balance,
                "pools": self.vendor.pools(),
            }
        )

    async def world(self, _: web.Request) -> web.Response:
        """Tells the truth about every person, company and CRM row; rows name people and companies by number."""
        world = self.vendor.world
        return web.json_response(
            {
                "companies": [asdict(company) for company in world.companies],
                "people": [
                    {
                        **asdict(person),
                        "employer": person.employer.number,
                        "former_employer": person.former_employer and person.former_employer.number,
                    }
                    for person in world.people
                ],
                "rows": {
                    crm: [
                        {
                            **asdict(row),
                            "person": row.person.number,
                            "company": row.company and row.company.number,
                            "traits": sorted(row.traits),
                        }
                        for row in rows
                    ]
                    for crm, rows in world.rows.items()
                },
                **self.vendor.truth(),
            }
        )

    async def faults(self, _: web.Request) -> web.Response:
        rules = self.vendor.faults.rules
        return web.json_response(
            [{"kind": r.kind, "route": r.route, "method": r.method, "times": r.times, "used": r.used} for r in rules]
        )

    async def add_faults(self, request: web.Request) -> web.Response:
        """Adds one rule or a list of rules, each with the fields of `faults.Rule`."""
        body = await request.json()
        try:
            for rule in body if isinstance(body, list) else [body]:
                self.vendor.faults.add(**rule)
        except (TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"rules": len(self.vendor.faults.rules)})

    async def clear_faults(self, _: web.Request) -> web.Response:
        self.vendor.faults.clear()
        return web.json_response({})

    async def weather(self, request: web.Request) -> web.Response:
        """Starts random faults, as `{"level": "medium", "seed": 7}`; level `none` ends them."""
        body = await _body(request)
        level, seed = body.get("level", "none"), int(body.get("seed", self.vendor.options.seed))
        if level not in LEVELS:
            return web.json_response({"error": f"no such level; known: {', '.join(LEVELS)}"}, status=400)
        self.vendor.faults.weather = None if level == "none" else Weather(level, seed, self.vendor.name)
        return web.json_response({"level": level, "seed": seed})

    async def hold(self, request: web.Request) -> web.Response:
        """Holds requests open, by the fields of `holds.Hold`; `count` null holds everything that fits."""
        self.vendor.holds.rules.append(Hold(**await _body(request)))
        return web.json_response({})

    async def held(self, _: web.Request) -> web.Response:
        """Counts the requests held open. All were read to the end and, unless asked otherwise, took effect."""
        held = self.vendor.holds.held
        return web.json_response({"held": len(held), "requests": [{"seq": s, "route": r} for s, r in held.items()]})

    async def release(self, _: web.Request) -> web.Response:
        return web.json_response({"released": self.vendor.holds.release()})

    async def limits(self, request: web.Request) -> web.Response:
        """Replaces windows: `{"bucket": "default", "windows": [{"name": "minute", "allowed": 60, "seconds": 60}]}`."""
        body = await _body(request)
        self.vendor.limits.set(body.get("bucket", "default"), [Window(**window) for window in body["windows"]])
        return web.json_response({})

    async def latency(self, request: web.Request) -> web.Response:
        """Sets the pace of answers: `{"median_s": 0.2, "sigma": 0.5, "cap_s": 5}`."""
        self.vendor.latency.pace = Pace(**await _body(request))
        return web.json_response({})

    async def balance(self, request: web.Request) -> web.Response:
        """Sets the balance: `{"credits": 100}`; a provider with pools also takes their names."""
        self.vendor.set_balance(await _body(request))
        return web.json_response({"balance": self.vendor.balance})

    async def clock(self, request: web.Request) -> web.Response:
        """Moves the vendor's time forward: `{"advance": seconds}`."""
        self.vendor.clock.advance(float((await _body(request)).get("advance", 0)))
        return web.json_response({"wall": self.vendor.clock.wall()})

    async def switches(self, _: web.Request) -> web.Response:
        """Lists each switch with its value and the values it takes."""
        switches = self.vendor.switches.items()
        return web.json_response(
            {name: {"value": getattr(self.vendor, name), "values": values} for name, values in switches}
        )

    async def turn(self, request: web.Request) -> web.Response:
        """Turns switches: `{"switch": value, ...}`."""
        try:
            for switch, value in (await _body(request)).items():
                self.vendor.turn(switch, value)
        except ValueError as error:
            return web.json_response({"error": f"no such switch or value: {error}"}, status=400)
        return web.json_response({})

    async def act(self, request: web.Request) -> web.Response:
        """Does an action of this vendor alone, such as a delivery that arrives now."""
        try:
            return web.json_response(self.vendor.act(request.match_info["action"], await _body(request)))
        except KeyError as error:
            return web.json_response({"error": f"unknown: {error}"}, status=404)


async def _body(request: web.Request) -> dict[str, Any]:
    body: dict[str, Any] = await request.json() if request.can_read_body else {}
    return body
