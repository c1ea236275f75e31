"""Serves the portal as a vendor: access, scopes, limits, and all its paths."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final
from uuid import uuid4

from aiohttp import web

from sandbox.calls import Call, Reply, Route
from sandbox.clock import Clock
from sandbox.crm import CrmVendor
from sandbox.forms import Form, Input, PlayError
from sandbox.hubspot.associations import Associations
from sandbox.hubspot.auth import Tokens
from sandbox.hubspot.batches import Batches
from sandbox.hubspot.definitions import Definitions
from sandbox.hubspot.errors import ApiError, invalid_input
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.properties import OBJECTS
from sandbox.hubspot.records import Records
from sandbox.hubspot.routing import Ask, Endpoint, routes
from sandbox.hubspot.seeding import fill
from sandbox.hubspot.settings import Settings
from sandbox.hubspot.table import APP_ID, PERSON
from sandbox.hubspot.webhooks import Webhooks
from sandbox.limits import Window
from sandbox.options import Options
from sandbox.people import World
from sandbox.vendor import Mount

BURST: Final = "burst"
DAILY: Final = "daily"
SEARCH: Final = "search"
LINKS: Final = "associations"
OAUTH: Final = "oauth"


class HubSpot(CrmVendor):
    name = "hubspot"
    windows: ClassVar[Mapping[str, Mapping[str, tuple[Window, ...]]]] = {
        "demo": {
            BURST: (Window("TEN_SECONDLY_ROLLING", 400, 10),),
            DAILY: (Window("DAILY", 625_000, 86_400),),
            SEARCH: (Window("SECONDLY", 10, 1),),
            LINKS: (Window("TEN_SECONDLY_ROLLING", 150, 10),),
        },
        "real": {
            BURST: (Window("TEN_SECONDLY_ROLLING", 190, 10),),
            DAILY: (Window("DAILY", 625_000, 86_400),),
            SEARCH: (Window("SECONDLY", 5, 1),),
            LINKS: (Window("TEN_SECONDLY_ROLLING", 150, 10),),
        },
    }
    """Professional. The daily counter rolls here and resets at midnight there."""

    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self.settings = Settings()
        self.tokens = Tokens(self.clock, self.settings)
        self.portal = Portal(self.clock.wall, self._note, options.index_lag)
        with self.clock.before_the_start():
            self.ids_by_row = fill(self.portal, world)
        self.books.reset()
        self.webhooks = Webhooks(self.portal, self.settings, self.tokens.credentials.client_secret, self.clock)
        records = Records(self.portal, self.settings)
        self._endpoints: list[Endpoint] = [
            *Batches(self.portal, records).endpoints(),
            *records.endpoints(),
            *Definitions(self.portal).endpoints(),
            *Associations(self.portal, self.settings).endpoints(),
        ]

    def routes(self) -> Iterable[Route]:
        for generation in ("v1", "v3", "2026-09"):
            yield Route("POST", f"/oauth/{generation}/token", self.tokens.token)
            if generation != "v1":
                yield Route("POST", f"/oauth/{generation}/token/introspect", self.tokens.introspect)
                yield Route("POST", f"/oauth/{generation}/token/revoke", self.tokens.revoke)
        yield Route("POST", "/oauth/v2/private-apps/get/access-token-info", self.tokens.app_token)
        yield Route("GET", "/account-info/v3/details", self._account)
        for path in ("/crm/v3/owners/{id}", "/crm/owners/2026-09/{id}"):
            yield Route("GET", path, self._owner)
        yield from routes(self._endpoints, self._guard)

    def _account(self, call: Call) -> Reply:
        """Returns the token's account; it needs no scope that a token could lack."""
        del call
        return Reply(
            200,
            {
                "portalId": self.settings.portal_id,
                "accountType": "STANDARD",
                "timeZone": "US/Eastern",
                "companyCurrency": "USD",
                "additionalCurrencies": [],
                "utcOffset": "-04:00",
                "utcOffsetMilliseconds": -14_400_000,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            },
        )

    def _owner(self, call: Call) -> Reply:
        """Returns one of the users who own rows; those who have left are asked for with ``archived=true``."""
        if "crm.objects.owners.read" not in self.settings.scopes:
            return ApiError(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.").reply()
        id_ = call.params["id"]
        options = self.portal.table("contacts").properties["hubspot_owner_id"].options
        archived = id_ in self.settings.archived_owners
        if id_ not in {one.value for one in options} or archived != (call.query.get("archived") == "true"):
            return ApiError(404, "OBJECT_NOT_FOUND", "Owner not found").reply()
        return Reply(200, {"id": id_, "archived": archived})

    def application(self, mounts: Iterable[Mount] = ()) -> web.Application:
        app = super().application(mounts)
        app.on_shutdown.append(self.webhooks.close)
        return app

    def forms(self) -> Iterable[Form]:
        yield Form(
            "edit",
            "An edit",
            "A person changes a property, and the portal sends its webhook. An empty value clears.",
            "Edit",
            (Input("id", "contact"), Input("property", "property", "jobtitle"), Input("value", "value")),
        )
        new = (Input("firstname", "first name"), Input("lastname", "last name"), Input("hs_linkedin_url", "LinkedIn"))
        yield Form("create", "A new contact", "A person adds somebody, and the portal sends its webhook.", "Add", new)
        to = Input("url", "to", self.webhooks.url)
        yield Form("webhooks", "Webhooks", "Events go there from now on; empty: nowhere.", "Send them there", (to,))

    def play(self, action: str, fields: Mapping[str, str]) -> str:
        contacts = self.portal.table("contacts")
        try:
            match action:
                case "edit":
                    record = contacts.live(fields["id"])
                    if record is None:
                        raise PlayError(f"there is no contact {fields['id']}")
                    self.portal.update(contacts, record, {fields["property"]: fields["value"]}, PERSON)
                    return f"Contact {record.id} is edited."
                case "create":
                    values = {name: value for name, value in fields.items() if value}
                    return f"Contact {self.portal.create(contacts, values, PERSON).id} is there."
                case "webhooks":
                    self.webhooks.aim({"url": fields["url"]})
                    return "Webhooks go there." if fields["url"] else "Webhooks go nowhere."
        except ApiError as error:
            raise PlayError(error.message) from None
        except KeyError as error:
            raise PlayError(f"{error} is missing") from None
        return super().play(action, fields)

    def some_people(self) -> Iterable[tuple[str, str]]:
        names = ("firstname", "lastname", "email", "jobtitle")
        for record, _ in zip(self.portal.table("contacts").after(0), range(8), strict=False):
            yield record.id, ", ".join(str(record.values.get(name) or "(blank)") for name in names)

    def credentials(self) -> dict[str, Any]:
        held = self.tokens.credentials
        return {
            "token": held.token,
            "client_id": held.client_id,
            "client_secret": held.client_secret,
            "refresh_token": held.refresh_token,
            "portal_id": self.settings.portal_id,
            "app_id": int(APP_ID),
        }

    def admit(self, call: Call) -> Reply | None:
        if _is_oauth(call):
            return None
        try:
            self.tokens.check(call)
        except ApiError as error:
            return error.reply()
        return None

    def limit(self, call: Call) -> Reply | None:
        if _is_oauth(call):
            refusal = self.limits.take(OAUTH)
            return _too_many("You have reached your secondly limit.", refusal.retry_s) if refusal else None
        if not self.tokens.is_oauth(call) and self.limits.take(DAILY):
            return _limited("You have reached your daily limit.", "DAILY")
        bucket = _bucket(call)
        if not self.limits.take(bucket):
            return None
        if bucket == SEARCH:
            return _too_many("You have reached your secondly limit.", None)
        return _limited("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING")

    def headers(self, call: Call, reply: Reply) -> dict[str, str]:
        """Returns the rate headers: none on search answers, and no daily pair under OAuth."""
        del reply
        if _is_oauth(call) or _bucket(call) == SEARCH:
            return {}
        headers: dict[str, str] = {}
        if states := self.limits.states(BURST):
            headers["X-HubSpot-RateLimit-Max"] = str(states[0].window.allowed)
            headers["X-HubSpot-RateLimit-Remaining"] = str(states[0].remaining)
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(int(states[0].window.seconds * 1000))
        if (states := self.limits.states(DAILY)) and not self.tokens.is_oauth(call):
            headers["X-HubSpot-RateLimit-Daily"] = str(states[0].window.allowed)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(states[0].remaining)
        return headers

    def bad_body(self, call: Call) -> Reply:
        del call
        return invalid_input("Invalid input JSON: the body is not what this path takes").reply()

    def unmatched(self, call: Call) -> Reply:
        del call
        return Reply(404, {"status": "error", "message": "resource not found", "correlationId": str(uuid4())})

    def _guard(self, ask: Ask, endpoint: Endpoint) -> None:
        """Checks versions, scopes and locks. Raises: ApiError 403, 410, 423."""
        if ("dated" if ask.dated else "numbered") in self.settings.retired:
            raise ApiError(410, "GONE", "This version of the API is no longer supported")
        if endpoint.access == "write" and self.settings.locked_writes > 0:
            self.settings.locked_writes -= 1
            raise ApiError(423, "RATE_LIMITS", "The resource is locked; try again in 2 seconds")
        names = {OBJECTS.get(ask.params[key], "") for key in ("object", "from", "to") if key in ask.params} - {""}
        kind, action = ("schemas", "write") if endpoint.access == "schema" else ("objects", endpoint.access)
        missing = [
            scope for name in sorted(names) if (scope := f"crm.{kind}.{name}.{action}") not in self.settings.scopes
        ]
        if missing:
            text = "This app hasn't been granted all required scopes to make this call."
            detail = {"message": "One or more of the following scopes are required.",
                      "context": {"requiredGranularScopes": missing}}  # fmt: skip
            raise ApiError(403, "MISSING_SCOPES", text, errors=[detail])


def _is_oauth(call: Call) -> bool:
    return call.path.startswith("/oauth/")


def _bucket(call: Call) -> str:
    template = call.route.template
    if template.endswith("/search"):
        return SEARCH
    if template.endswith("/batch/read") and "associations" not in template:
        return BURST
    return LINKS if "/associations/" in template and "/batch/" in template else BURST


def _limited(text: str, policy: str) -> Reply:
    return Reply(
        429,
        {
            "status": "error",
            "message": text,
            "errorType": "RATE_LIMIT",
            "correlationId": str(uuid4()),
            "policyName": policy,
            "requestId": str(uuid4()),
        },
    )


def _too_many(text: str, retry_s: float | None) -> Reply:
    headers = {} if retry_s is None else {"Retry-After": str(max(1, round(retry_s)))}
    body = {"status": "error", "message": text, "correlationId": str(uuid4()), "category": "RATE_LIMITS"}
    return Reply(429, body, headers)
