"""Serves Kaspr's endpoints, its credit pools and its headers."""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from sandbox.calls import Call, Reply, Route
from sandbox.clock import Clock
from sandbox.kaspr.shapes import employee, patterns, profile_reference, profile_v2, values_of
from sandbox.limits import Window, WindowState
from sandbox.options import Options
from sandbox.people import Person, World
from sandbox.vendor import Switches, Vendor, Windows

KEY = "kaspr-sandbox-key"
USER = "ops@refill-sandbox.com"
DATA = ("workEmail", "phone", "directEmail")
_POOL_OF = {"workEmail": "workEmailCredits", "phone": "phoneCredits", "directEmail": "personalEmailCredits"}
_POOL_HEADERS = {
    "workEmailCredits": "Remaining-Work-Email-Credits",
    "personalEmailCredits": "Remaining-Direct-Email-Credits",
    "phoneCredits": "Remaining-Phone-Credits",
    "exportCredits": "Remaining-Export-Credits",
}
UNLIMITED = -1


class Kaspr(Vendor):
    name = "kaspr"
    windows: ClassVar[Windows] = {
        "demo": {"default": (Window("minute", 3000, 60), Window("hour", 100_000, 3600))},
        "real": {
            "default": (Window("hour", 500, 3600), Window("minute", 60, 60), Window("day", 500, 86_400)),
        },
    }
    switches: ClassVar[Switches] = {
        "dialect": ("both", "reference", "v2"),
        "auth": ("any", "bearer", "raw"),
        "miss": ("mixed", "404", "empty", "null", "absent"),
        "no_credits": ("402", "200"),
        "items": ("strings", "objects"),
    }
    dialect: str
    auth: str
    miss: str
    no_credits: str
    items: str

    def __init__(self, world: World, options: Options, clock: Clock | None = None) -> None:
        super().__init__(world, options, clock)
        self.turn("dialect", options.kaspr_dialect)
        self.turn("auth", options.kaspr_auth)
        self.pool: dict[str, float] = dict.fromkeys(_POOL_HEADERS, float(options.credits))
        self._refusing: WindowState | None = None

    def routes(self) -> Iterable[Route]:
        return (
            Route("GET", "/keys/verifyKey", self.verify_key),
            Route("POST", "/profile/profile", self.profile_reference),
            Route("POST", "/profile/linkedin", self.profile_v2),
            Route("POST", "/company/domainPattern", self.domain_pattern),
            Route("POST", "/company/domainEmployees", self.domain_employees),
            Route("GET", "/keys/remainingCredits", self.remaining_credits),
            Route("GET", "/keys/rateLimits", self.rate_limits),
        )

    def credentials(self) -> dict[str, Any]:
        dialect = "reference" if self.dialect == "both" else self.dialect
        return {"api_key": KEY, "dialect": dialect, "auth_scheme": "bearer" if self.auth == "any" else self.auth}

    def admit(self, call: Call) -> Reply | None:
        given = call.headers.get("Authorization", "")
        accepted = {"any": (KEY, f"Bearer {KEY}"), "bearer": (f"Bearer {KEY}",), "raw": (KEY,)}[self.auth]
        if given not in accepted:
            return Reply(401, {"message": "Invalid API key"})
        return None

    def limit(self, call: Call) -> Reply | None:
        del call
        self._refusing = self.limits.take("default")
        return Reply(429, {"message": "Too many requests"}) if self._refusing else None

    def headers(self, call: Call, reply: Reply) -> dict[str, str]:
        headers = self._rate_headers()
        # the key endpoints answer without the reference's credit headers
        if reply.status != 401 and not call.route.template.startswith("/keys/"):
            headers["Decreased-Credits"] = _number(call.entry.credits)
            if call.route.template == "/profile/linkedin":
                headers |= {header: _number(self.pool[pool]) for pool, header in _POOL_HEADERS.items()}
            else:
                headers["Remaining-Credits"] = _number(self.balance)
        return headers

    def _rate_headers(self) -> dict[str, str]:
        states = self.limits.states("default")
        if not states:
            return {}
        # per hour by the reference; a refusal speaks of the window that refuses
        hourly = next((state for state in states if state.window.name == "hour"), states[0])
        shown, self._refusing = self._refusing or hourly, None
        wait_s = shown.reset_s if shown.remaining else shown.retry_s
        headers = {
            "X-RateLimit-Limit": str(shown.window.allowed),
            "X-RateLimit-Remaining": str(shown.remaining),
            "X-RateLimit-Reset": str(int(wait_s * 1000) + 1),
        }
        for state in states:
            if state.window.name in {"hour", "day"}:
                word = "Hourly" if state.window.name == "hour" else "Daily"
                headers[f"X-{word}-RateLimit-Remaining"] = str(state.remaining)
        return headers

    def bad_body(self, call: Call) -> Reply:
        del call
        return Reply(400, {"message": "Invalid request body"})

    def set_balance(self, pools: Mapping[str, float]) -> None:
        super().set_balance(pools)
        if "credits" in pools:
            self.pool = dict.fromkeys(self.pool, float(pools["credits"]))
        self.pool |= {name: float(pools[name]) for name in self.pool if name in pools}

    def pools(self) -> dict[str, float]:
        return {"credits": self.balance, **self.pool}

    # endpoints, in the order of the contract

    def verify_key(self, call: Call) -> Reply:
        del call
        return Reply(200, {"user": USER})

    def profile_reference(self, call: Call) -> Reply:
        if refusal := self._wrong_dialect("reference") or self._bad_profile_body(call):
            return refusal
        if self.balance < 1:
            return self._out_of_credits()
        person = self._known(call)
        if person is None:
            return self._missed(call)
        values = values_of(person, DATA)
        if call.object.get("isPhoneRequired") and not values.phone:
            return self._unmet(call)
        if values.count:
            call.charge("profile", person.slug, 1)
        return Reply(200, {"profile": profile_reference(person, values, self.clock.wall())})

    def profile_v2(self, call: Call) -> Reply:
        if refusal := self._wrong_dialect("v2") or self._bad_profile_body(call):
            return refusal
        body = call.object
        wanted, required = body.get("dataToGet"), body.get("requiredData") or []
        if not isinstance(wanted, list) or not isinstance(required, list):
            return Reply(400, {"message": "dataToGet must be an array"})
        if not {*wanted, *required} <= set(DATA):
            return Reply(500, {"message": "Internal server error"})
        spent = [name for name in wanted if self.pool[_POOL_OF[name]] == 0]
        if spent or (wanted and self.pool["exportCredits"] == 0):
            return self._out_of_credits()
        person = self._known(call)
        if person is None:
            return self._missed(call)
        values = values_of(person, wanted)
        needs_phone = body.get("isPhoneRequired") or "phone" in required
        if (needs_phone and not values.phone) or not set(required) <= values.names:
            return self._unmet(call)
        if values.count:
            self._charge_pools(call, person, values.names)
        objects = self.items == "objects"
        return Reply(200, {"profile": profile_v2(person, values, self.clock.wall(), objects=objects)})

    def domain_pattern(self, call: Call) -> Reply:
        domain = self._domain(call)
        if domain is None:
            return Reply(400, {"message": "domain is required"})
        if self.balance < 1:
            return self._out_of_credits()
        company = self.world.company_by_domain.get(domain)
        if company is None:
            return Reply(404, {"message": "Not found"}) if _pick(domain, 2) else Reply(200, {"patterns": []})
        call.charge("domainPattern", domain, 1)
        return Reply(200, {"patterns": patterns(company)})

    def domain_employees(self, call: Call) -> Reply:
        domain = self._domain(call)
        limit = call.object.get("contactsNumberLimit", 5)
        if domain is None or not isinstance(limit, int) or limit < 1:
            return Reply(400, {"message": "domain and a positive contactsNumberLimit are required"})
        company = self.world.company_by_domain.get(domain)
        staff = [p for p in self.world.staff[company.number] if p.kaspr.known] if company else []
        if call.object.get("isPhoneRequired"):
            staff = [person for person in staff if person.kaspr.phone]
        staff = staff[:limit]
        if self.balance < max(1, len(staff)):
            return self._out_of_credits()
        if staff:
            call.charge("domainEmployees", domain, len(staff))
        return Reply(200, {"employees": [employee(person) for person in staff]})

    def remaining_credits(self, call: Call) -> Reply:
        del call
        return self._wrong_dialect("v2") or Reply(200, {name: _whole(left) for name, left in self.pool.items()})

    def rate_limits(self, call: Call) -> Reply:
        del call
        allowed = {state.window.name: state.window.allowed for state in self.limits.states("default")}
        return self._wrong_dialect("v2") or Reply(
            200,
            {
                "dailyLimit": allowed.get("day", 500),
                "hourlyLimit": allowed.get("hour", 500),
                "minutelyLimit": allowed.get("minute", 60),
            },
        )

    # what several of them need

    def _wrong_dialect(self, needed: str) -> Reply | None:
        return None if self.dialect in {"both", needed} else Reply(404, {"message": "Cannot find this path"})

    def _bad_profile_body(self, call: Call) -> Reply | None:
        slug, name = call.object.get("id"), call.object.get("name")
        if not isinstance(slug, str) or not isinstance(name, str) or not slug or not name:
            return Reply(400, {"message": "id and name are required"})
        call.entry.key = slug
        if "/" in slug or "linkedin.com" in slug:
            return Reply(500, {"message": "Internal server error"})
        return None

    def _domain(self, call: Call) -> str | None:
        given = call.object.get("domain")
        if not isinstance(given, str) or not given:
            return None
        call.entry.key = given
        return given.rpartition("@")[2].lower()

    def _known(self, call: Call) -> Person | None:
        person = self.world.by_slug.get(call.object["id"].lower())
        return person if person and person.kaspr.known else None

    def _missed(self, call: Call) -> Reply:
        """Returns one of the three forms of Kaspr's answer when it found nobody."""
        slug = call.object["id"]
        shape = self.miss if self.miss != "mixed" else ("404", "empty", "null", "absent")[_pick(slug, 4)]
        if shape == "404":
            return Reply(404, {"message": "Profile not found"})
        if shape == "empty":
            return Reply(200, {"profile": {"id": slug, "name": call.object["name"], "emails": [], "phones": []}})
        return Reply(200, {"profile": None} if shape == "null" else {"message": "No data found"})

    def _unmet(self, call: Call) -> Reply:
        """Tells whether something required is missing, so that nothing is returned."""
        shape = self.miss if self.miss in {"null", "absent"} else ("null", "absent")[_pick(call.object["id"], 2)]
        return Reply(200, {"profile": None} if shape == "null" else {})

    def _out_of_credits(self) -> Reply:
        status = 402 if self.no_credits == "402" else 200
        return Reply(status, {"message": "No credits left"})

    def _charge_pools(self, call: Call, person: Person, names: frozenset[str]) -> None:
        for pool in [_POOL_OF[name] for name in sorted(names)] + ["exportCredits"]:
            if self.pool[pool] != UNLIMITED:
                self.pool[pool] -= 1
        call.charge("profile", person.slug, len(names) + 1)


def _pick(text: str, choices: int) -> int:
    return zlib.crc32(text.encode()) % choices


def _whole(credits: float) -> float:
    return int(credits) if credits == int(credits) else credits


def _number(credits: float) -> str:
    return str(_whole(credits))
