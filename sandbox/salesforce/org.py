"""Serves the org as a vendor: access, quota, and the way from a request to its endpoint."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from aiohttp import web

from sandbox.calls import Call, Reply, Route
from sandbox.clock import Clock
from sandbox.crm import CrmVendor
from sandbox.forms import Form, Input, PlayError
from sandbox.limits import Window
from sandbox.options import Options
from sandbox.people import World
from sandbox.salesforce.asks import JSON, Ask, Endpoint, Switchboard, answer, refused
from sandbox.salesforce.auth import Tokens, bearer
from sandbox.salesforce.bulk import Bulk
from sandbox.salesforce.collections import Collections
from sandbox.salesforce.composite import Composite
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import ORGANIZATION_ID
from sandbox.salesforce.outbound import Outbound
from sandbox.salesforce.queries import Queries
from sandbox.salesforce.rows import Rows
from sandbox.salesforce.seeding import fill
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.store import INTEGRATION_USER, PERSON, Store
from sandbox.vendor import Mount

MAX_URI: Final = 16_384  # bytes, documented
DAILY_MAX: Final = 100_000  # Enterprise without licences counted
VERSIONS: Final = tuple(f"{number}.0" for number in range(31, 68))
_DATA: Final = "/services/data/"


class Salesforce(CrmVendor):
    name = "salesforce"
    windows: ClassVar[Mapping[str, Mapping[str, tuple[Window, ...]]]] = {
        "real": {"daily": (Window("day", DAILY_MAX, 86_400),), "login": (Window("hour", 3_600, 3_600),)},
    }

    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self.settings = Settings()
        self.tokens = Tokens(self.clock, self.settings)
        self.used = 0
        self.moved_to = ""
        self.store = Store(self.clock.wall, self._note)
        with self.clock.before_the_start():
            self.ids_by_row = fill(self.store, world)
        self.books.reset()
        self.queries = Queries(self.store, self.settings)
        self.bulk = Bulk(self.store, self.settings)
        self.outbound = Outbound(self.store)
        rows, collections = Rows(self.store), Collections(self.store)
        inner = [*self.queries.endpoints(), *rows.endpoints(), *collections.endpoints()]
        composite = Composite(self.store, Switchboard(inner))
        limits = Endpoint("GET", "/limits", self._limits_answer)
        self._endpoints = [limits, *inner, *composite.endpoints(), *self.bulk.endpoints()]

    def routes(self) -> Iterable[Route]:
        yield Route("POST", "/services/oauth2/token", lambda call: self.tokens.grant(call, self.instance))
        yield Route("GET", "/services/oauth2/userinfo", lambda call: self.tokens.userinfo(call, self.instance))
        yield Route("POST", "/services/Soap/u/{version}", lambda call: self.tokens.soap_login(call, self.instance))
        yield Route("GET", "/services/data", self._versions)
        for endpoint in self._endpoints:
            yield self._route(endpoint)

    def application(self, mounts: Iterable[Mount] = ()) -> web.Application:
        """Returns the application; every path also takes a trailing slash, as at the vendor."""
        app = super().application(mounts)
        for route in self.routes():
            app.router.add_route(route.method, route.template + "/", self._endpoint(route))
        app.on_shutdown.append(self.outbound.close)
        return app

    @property
    def instance(self) -> str:
        return self.moved_to or self.origin

    def forms(self) -> Iterable[Form]:
        yield Form(
            "edit",
            "An edit",
            "A person changes a field of a contact, and the org sends its Outbound Message. An empty value clears.",
            "Edit",
            (Input("id", "contact"), Input("field", "field", "Title"), Input("value", "value")),
        )
        new = (Input("FirstName", "first name"), Input("LastName", "last name"), Input("LinkedIn_URL__c", "LinkedIn"))
        yield Form("create", "A new contact", "A person adds somebody, and the org sends its message.", "Add", new)
        to = Input("url", "to", self.outbound.url)
        yield Form("outbound", "Outbound Messages", "They go there from now on; empty: nowhere.", "Send them", (to,))

    def play(self, action: str, fields: Mapping[str, str]) -> str:
        try:
            match action:
                case "edit":
                    row = self.store.live("Contact", fields["id"])
                    self.store.update(row, {fields["field"]: fields["value"] or None}, PERSON)
                    return f"Contact {row.id} is edited."
                case "create":
                    values = {name: value for name, value in fields.items() if value}
                    return f"Contact {self.store.create('Contact', values, PERSON).id} is there."
                case "outbound":
                    self.outbound.define({"url": fields["url"]})
                    return "Messages go there." if fields["url"] else "Messages go nowhere."
        except ApiError as error:
            raise PlayError(error.message) from None
        except KeyError as error:
            raise PlayError(f"{error} is missing") from None
        return super().play(action, fields)

    def some_people(self) -> Iterable[tuple[str, str]]:
        names = ("FirstName", "LastName", "Email", "Title")
        for row, _ in zip(self.store.rows["Contact"].values(), range(8), strict=False):
            yield row.id, ", ".join(str(row.values.get(name) or "(blank)") for name in names)

    def credentials(self) -> dict[str, Any]:
        held = self.tokens.credentials
        return {
            "login_base": self.origin,
            "client_id": held.client_id,
            "client_secret": held.client_secret,
            "refresh_token": held.refresh_token,
            "username": held.username,
            "organization_id": ORGANIZATION_ID,
            "user_id": INTEGRATION_USER,
        }

    def admit(self, call: Call) -> Reply | None:
        uri = len(call.request.raw_path)
        if uri > MAX_URI:
            return refused(ApiError(414, "URI_TOO_LONG", "The length of the URI exceeds the 16,384 byte limit."))
        if uri + sum(len(name) + len(value) for name, value in call.headers.items()) > MAX_URI:
            text = "The combined length of the URI and headers exceeds the 16,384 byte limit."
            return refused(ApiError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", text))
        if not _is_data(call):
            return None
        if self.settings.always_unauthorized:
            return _unauthorized("This session is not valid for use with the REST API")
        if self.moved_to and call.request.host != self.moved_to.partition("://")[2]:
            return _unauthorized()
        if not self.tokens.live(bearer(call)):
            return _unauthorized()
        if not self.settings.api_enabled:
            text = "The REST API is not enabled for this Organization."
            return refused(ApiError(403, "API_DISABLED_FOR_ORG", text))
        return None

    def limit(self, call: Call) -> Reply | None:
        if call.path == "/services/oauth2/token" and self.limits.take("login"):
            return answer(400, {"error": "invalid_grant", "error_description": "login rate exceeded"})
        if not _is_data(call):
            return None
        if self.limits.take("daily"):
            return refused(ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
        self.used += 1
        return None

    def headers(self, call: Call, reply: Reply) -> dict[str, str]:
        headers = {"Set-Cookie": "BrowserId=c2FuZGJveA; path=/; SameSite=Lax"}
        if _is_data(call) and reply.status != 401:
            headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.daily_max}"
        return headers

    def bad_body(self, call: Call) -> Reply:
        del call
        return refused(ApiError(400, "JSON_PARSER_ERROR", "The body is not what this resource takes."))

    def unmatched(self, call: Call) -> Reply:
        del call
        return refused(ApiError(404, "NOT_FOUND", "The requested resource does not exist"))

    @property
    def daily_max(self) -> int:
        windows = self.limits.buckets().get("daily")
        return windows[0].allowed if windows else DAILY_MAX

    def _route(self, endpoint: Endpoint) -> Route:
        def handle(call: Call) -> Reply:
            version = call.params["version"].removeprefix("v")
            if version not in self._versions_answered():
                return refused(_unanswered(version))
            ask = Ask(
                method=call.method,
                path=call.path,
                version=version,
                params=call.params,
                query=call.query,
                headers={name.lower(): value for name, value in call.headers.items()},
                read=lambda: call.json,
                raw=call.body,
            )
            call.entry.key = call.params.get("id", "") or call.query.get("q", "")[:500]
            try:
                return endpoint.handler(ask)
            except ApiError as error:
                return refused(error)

        return Route(endpoint.method, f"/services/data/{{version}}{endpoint.template}", handle)

    def _versions(self, call: Call) -> Reply:
        del call
        names = self._versions_answered()
        body = [{"label": f"v{name}", "url": f"/services/data/v{name}", "version": name} for name in names]
        return answer(200, body)

    def _versions_answered(self) -> list[str]:
        return [name for name in VERSIONS if float(name) >= self.settings.retired_below]

    def _limits_answer(self, ask: Ask) -> Reply:
        del ask
        maximum = self.daily_max
        return answer(
            200,
            {
                "DailyApiRequests": {"Max": maximum, "Remaining": max(0, maximum - self.used)},
                "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
                "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            },
        )


def _is_data(call: Call) -> bool:
    return call.path.startswith(_DATA) and len(call.path) > len(_DATA)


def _unanswered(version: str) -> ApiError:
    """Returns the refusal of a version, which tells a retired one from one that is not there yet."""
    if version in VERSIONS or (version.replace(".", "", 1).isdigit() and float(version) < float(VERSIONS[0])):
        return ApiError(410, "UNSUPPORTED_API_VERSION", f"API version {version} is no longer supported")
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def _unauthorized(text: str = "Session expired or invalid") -> Reply:
    return Reply(401, [{"message": text, "errorCode": "INVALID_SESSION_ID"}], {}, JSON)
