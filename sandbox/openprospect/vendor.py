"""Serves OpenProspect's 24 operations, with its scopes, its hourly limit and its error bodies."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.calls import Call, Reply, Route
from sandbox.clock import Clock
from sandbox.openprospect.blacklists import Blacklists
from sandbox.openprospect.catalogue import Catalogue
from sandbox.openprospect.orders import Orders
from sandbox.openprospect.replies import RefusedError, error_reply
from sandbox.openprospect.state import BASE, SCOPES, OpenProspectState
from sandbox.options import Options
from sandbox.people import World

KEY = "lnc_live_sandbox0001"


class OpenProspect(OpenProspectState):
    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self.orders = Orders(self)
        self.catalogue = Catalogue(self)
        self.blacklists = Blacklists(self, self.catalogue)

    def operations(self) -> tuple[tuple[str, Route], ...]:
        """Lists scopes, blank-separated, and route, in the order of the contract."""
        orders, lists, catalogue = self.orders, self.blacklists, self.catalogue
        return (
            ("orders:write", Route("POST", "/orders", orders.create)),
            ("orders:read", Route("GET", "/orders", orders.listing)),
            ("orders:read", Route("GET", "/orders/{id}", orders.get)),
            ("orders:read", Route("GET", "/orders/{id}/results", orders.results)),
            ("blacklists:write", Route("POST", "/blacklists", lists.create)),
            ("blacklists:read", Route("GET", "/blacklists", lists.listing)),
            ("blacklists:read", Route("GET", "/blacklists/{id}", lists.get)),
            ("blacklists:write", Route("PATCH", "/blacklists/{id}", lists.update)),
            ("blacklists:write", Route("DELETE", "/blacklists/{id}", lists.delete)),
            ("blacklists:write", Route("POST", "/blacklists/{id}/entries", lists.add_entries)),
            ("blacklists:read", Route("GET", "/blacklists/{id}/entries", lists.list_entries)),
            ("blacklists:write", Route("DELETE", "/blacklists/{id}/entries", lists.remove_entries)),
            ("blacklists:read", Route("GET", "/prospect-searches/{id}/blacklists", lists.of_search)),
            ("blacklists:write", Route("PUT", "/prospect-searches/{id}/blacklists", lists.assign)),
            ("prospect_searches:read", Route("GET", "/prospect-searches", catalogue.searches)),
            ("prospect_searches:read", Route("GET", "/prospect-searches/{id}", catalogue.search)),
            ("prospect_searches:write", Route("PATCH", "/prospect-searches/{id}", catalogue.edit_search)),
            ("companies:read", Route("GET", "/companies", catalogue.companies)),
            ("companies:read", Route("GET", "/companies/{id}", catalogue.company)),
            ("companies:read", Route("GET", "/companies/{id}/jobs", catalogue.jobs)),
            ("companies:read", Route("GET", "/companies/{id}/webtech-intel", catalogue.webtech_intel)),
            ("prospects:read", Route("GET", "/prospects", catalogue.prospects)),
            ("prospects:read", Route("GET", "/prospects/{id}", catalogue.prospect)),
            ("companies:read prospects:read", Route("GET", "/deliveries/{id}/companies", catalogue.delivered)),
            # outside the reference
            ("", Route("GET", "/auth/validate", self.validate)),
            ("", Route("GET", "/health", self.health)),
        )

    def routes(self) -> Iterable[Route]:
        for scopes, route in self.operations():
            for slash in ("", "/"):
                yield Route(route.method, f"{BASE}{route.template}{slash}", self._scoped(scopes.split(), route))

    def _scoped(self, scopes: list[str], route: Route) -> Callable[[Call], Reply]:
        def handler(call: Call) -> Reply:
            if self.withheld in scopes:
                held = [one for one in SCOPES if one != self.withheld]
                refused = RefusedError(
                    403, "AUTHORIZATION_ERROR", "Missing scope", required_scopes=scopes, user_scopes=held
                )
                return error_reply(refused, self.errors)
            try:
                return route.handler(call)
            except RefusedError as refused:
                return error_reply(refused, self.errors)

        return handler

    def credentials(self) -> dict[str, Any]:
        return {"api_key": KEY, "delivery_ids": list(self.catalogue.delivery_ids())}

    def admit(self, call: Call) -> Reply | None:
        if self.slash == "redirect" and not call.path.endswith("/"):
            query = f"?{call.request.query_string}" if call.request.query_string else ""
            return Reply(307, None, {"Location": f"{self.origin}{call.request.rel_url.raw_path}/{query}"})
        if call.headers.get("Authorization") != f"Bearer {KEY}":
            return error_reply(RefusedError(401, "UNAUTHORIZED", "Invalid API key"), self.errors)
        return None

    def limit(self, call: Call) -> Reply | None:
        del call
        refusing = self.limits.take("default")
        if refusing is None:
            return None
        retry = int(refusing.retry_s) + 1
        body = {"error": "RATE_LIMIT_EXCEEDED", "message": "Rate limit exceeded", "retry_after": retry}
        return Reply(429, body, {"Retry-After": str(retry)})

    def headers(self, call: Call, reply: Reply) -> dict[str, str]:
        del call, reply
        states = self.limits.states("default")
        if not states:
            return {}
        state = states[0]
        reset = self.clock.stamp() + (state.reset_s if state.remaining else state.retry_s)
        return {
            "X-RateLimit-Limit": str(state.window.allowed),
            "X-RateLimit-Remaining": str(state.remaining),
            "X-RateLimit-Reset": str(int(reset) + 1),
        }

    def bad_body(self, call: Call) -> Reply:
        del call
        return error_reply(RefusedError(400, "INVALID_REQUEST", "Body is not a JSON object"), self.errors)

    def unmatched(self, call: Call) -> Reply:
        del call
        return Reply(404, {"detail": "Not Found"})

    def validate(self, call: Call) -> Reply:
        del call
        return Reply(200, {"valid": True, "scopes": [scope for scope in SCOPES if scope != self.withheld]})

    def health(self, call: Call) -> Reply:
        del call
        return Reply(200, {"status": "ok"})

    def truth(self) -> dict[str, Any]:
        delivered = [*self.stock.all_found(), *(one for order in self.orders.orders.values() for one in order.results)]
        return {
            "prospects": {
                one.id: {
                    "person": one.person.number,
                    "has_last_name": one.has_last_name,
                    "email": one.email,
                    "linkedin_url": one.linkedin_url,
                }
                for found in delivered
                for one in found.prospects
            },
            "delivery_ids": self.catalogue.delivery_ids(),
            "deliveries": {
                search_id: [
                    {
                        "id": found.id,
                        "company": found.company.number,
                        "domain": found.company.domain,
                        "in_crm": found.company.in_crm,
                        "prospects": [
                            {
                                "id": one.id,
                                "person": one.person.number,
                                "in_crm": one.person.number in self.stock.listed,
                            }
                            for one in found.prospects
                        ],
                    }
                    for found in group
                ]
                for search_id, group in self.stock.found.items()
            },
            "orders": {
                order.id: {
                    "status": self.orders.status(order),
                    "results": [{"id": found.id, "company": found.company.number} for found in order.results],
                }
                for order in self.orders.orders.values()
            },
        }

    def act(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Things that happen on OpenProspect's side.

        `deliver` {search_id?, companies} now; `arrive` {companies} one after each page that is read;
        `order` {order_id, status}; `speed` {speed}.
        """
        if action == "deliver":
            search_id = body.get("search_id") or next(iter(self.stock.searches))
            return {"ids": self.stock.arrive(search_id, body.get("companies", 1), self.clock.stamp())}
        if action == "arrive":
            self.catalogue.arrivals = body.get("companies", 1)
            return {}
        if action == "order":
            self.orders.force(body["order_id"], body["status"])
            return {}
        if action == "speed":
            self.speed = float(body["speed"])
            return {}
        raise KeyError(action)
