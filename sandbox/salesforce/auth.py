"""Issues tokens: the four OAuth grants, SOAP login, and the owner of a Bearer token."""

import base64
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs
from xml.etree.ElementTree import ParseError, XMLParser

from sandbox.calls import Call, Reply
from sandbox.clock import Clock
from sandbox.salesforce.asks import answer
from sandbox.salesforce.ids import ORGANIZATION_ID
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.store import INTEGRATION_USER

PRODUCTION, TEST = "https://login.salesforce.com", "https://test.salesforce.com"
MAX_AHEAD_S: Final = 600.0  # "a few minutes" in the documents
MOODS: Final[dict[str, tuple[int, str, str]]] = {  # seen in public reports: status, error, description
    "retry": (400, "unknown_error", "retry your request"),
    "busy": (400, "invalid_grant", "token request is already being processed"),
    "unavailable": (400, "temporarily_unavailable", "the service is temporarily unavailable"),
    "too_often": (400, "invalid_grant", "login rate exceeded"),
    "unapproved": (400, "invalid_grant", "user hasn't approved this consumer"),
    "unknown_client": (400, "invalid_client_id", "client identifier invalid"),
    "no_run_as": (400, "invalid_grant", "no client credentials user enabled"),
    "inactive": (400, "invalid_grant", "inactive organization"),
    "wrong_host": (400, "invalid_grant", "request not supported on this domain"),
}
JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Credentials:
    client_id: str = "sandbox-consumer-key"
    client_secret: str = "sandbox-consumer-secret"
    username: str = "integration@sandbox.example"
    password: str = "sandbox-password"
    security_token: str = "sandboxtoken"
    refresh_token: str = "sandbox-refresh-token"


class Tokens:
    def __init__(self, clock: Clock, settings: Settings) -> None:
        self.credentials = Credentials()
        self.issued = 0
        self._clock = clock
        self._settings = settings
        self._used: dict[str, float] = {}
        self._refresh = {self.credentials.refresh_token}
        self._spent: set[str] = set()  # refresh tokens that were rotated

    def issue(self) -> str:
        token = f"00D5g!{secrets.token_urlsafe(24)}"
        self._used[token] = self._clock.monotonic()
        self.issued += 1
        return token

    def live(self, token: str) -> bool:
        """Tells whether the token is good; a use keeps it alive."""
        used, now = self._used.get(token), self._clock.monotonic()
        if used is None or now - used > self._settings.token_life_s:
            return False
        self._used[token] = now
        return True

    def expire(self) -> int:
        count = len(self._used)
        self._used.clear()
        return count

    def connect(self) -> str:
        token = f"5Aep861{secrets.token_urlsafe(24)}"
        self._refresh.add(token)
        return token

    def revoke_refresh(self) -> None:
        self._refresh.clear()

    def grant(self, call: Call, origin: str) -> Reply:
        form = {name: values[0] for name, values in parse_qs(call.body.decode(errors="replace")).items()}
        client_id, client_secret = _client(call, form)
        kind, held = form.get("grant_type"), self.credentials
        call.entry.key = kind or ""
        extra: dict[str, Any] = {}
        if self._settings.token_moods:
            return _in_mood(self._settings.token_moods.pop(0))
        if kind == JWT_GRANT:
            if text := self._assertion_fault(form.get("assertion", ""), origin):
                return _failure("invalid_grant", text)
            return self._success(origin, {}, stamped=False)
        if client_id != held.client_id:
            return _failure("invalid_client_id", "client identifier invalid")
        if kind == "refresh_token":
            if client_secret and client_secret != held.client_secret:
                return _failure("invalid_client", "invalid client credentials")
            given = form.get("refresh_token", "")
            if given in self._spent:  # used twice: taken for theft, which costs the whole connection
                self.revoke_refresh()
                self.expire()
            if given not in self._refresh:
                return _failure("invalid_grant", "expired access/refresh token")
            if self._settings.rotate_refresh_tokens:
                self._refresh.discard(given)
                self._spent.add(given)
                extra["refresh_token"] = f"5Aep861{secrets.token_urlsafe(32)}"
                self._refresh.add(extra["refresh_token"])
            return self._success(origin, extra)
        if client_secret != held.client_secret:
            return _failure("invalid_client", "invalid client credentials")
        if kind == "client_credentials":
            return self._success(origin, extra)
        if kind == "password":
            given_password = held.password + held.security_token
            if (form.get("username"), form.get("password")) != (held.username, given_password):
                return _failure("invalid_grant", "authentication failure")
            return self._success(origin, extra)
        return _failure("unsupported_grant_type", "grant type not supported")

    def userinfo(self, call: Call, origin: str) -> Reply:
        if not self.live(bearer(call)):
            return Reply(403, "Bad_OAuth_Token", {}, "text/html")
        if not self._settings.openid:
            return answer(
                401, [{"message": "This session does not have the scope openid", "errorCode": "INVALID_SCOPE"}]
            )
        return answer(
            200,
            {
                "sub": f"{origin}/id/{ORGANIZATION_ID}/{INTEGRATION_USER}",
                "user_id": INTEGRATION_USER,
                "organization_id": ORGANIZATION_ID,
                "preferred_username": self.credentials.username,
            },
        )

    def soap_login(self, call: Call, origin: str) -> Reply:
        version = call.params["version"]
        if version.replace(".", "", 1).isdigit() and float(version) >= 65:
            return _fault("UNSUPPORTED_API_VERSION", "login() is not available in this API version")
        words = _elements(call.body)
        held = self.credentials
        if (words.get("username"), words.get("password")) != (held.username, held.password + held.security_token):
            return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
            'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
            f"<soapenv:Body><loginResponse><result><serverUrl>{origin}/services/Soap/u/{version}</serverUrl>"
            f"<sessionId>{self.issue()}</sessionId><userId>{INTEGRATION_USER}</userId></result></loginResponse>"
            "</soapenv:Body></soapenv:Envelope>"
        )
        return Reply(200, body, {}, "text/xml; charset=utf-8")

    def _success(self, origin: str, extra: dict[str, Any], *, stamped: bool = True) -> Reply:
        body: dict[str, Any] = {
            "access_token": self.issue(),
            "scope": "api",
            "instance_url": origin,
            "id": f"{origin}/id/{ORGANIZATION_ID}/{INTEGRATION_USER}",
            "token_type": "Bearer",
        }
        if stamped:
            body |= {"issued_at": str(int(self._clock.wall() * 1000)), "signature": secrets.token_urlsafe(32)}
        return answer(200, body | extra)

    def _assertion_fault(self, assertion: str, origin: str) -> str | None:
        """Tells why the assertion is refused. The signature's presence is checked, not the signature."""
        parts = assertion.split(".")
        if len(parts) != 3 or not parts[2]:
            return "invalid assertion"
        head, claims = _decoded(parts[0]), _decoded(parts[1])
        if head.get("alg") != "RS256":
            return "algorithm not supported"
        if claims.get("iss") != self.credentials.client_id:
            return "invalid client credentials"
        if claims.get("sub") != self.credentials.username:
            return "user hasn't approved this consumer"
        wanted = TEST if self._settings.is_sandbox else PRODUCTION
        if claims.get("aud") not in {wanted, *([origin] if self._settings.accept_own_audience else [])}:
            return "audience is invalid"
        try:
            ahead = float(claims.get("exp", 0)) - self._clock.wall()
        except (TypeError, ValueError):
            return "expired authorization code"
        return None if 0 < ahead <= MAX_AHEAD_S else "expired authorization code"


def bearer(call: Call) -> str:
    kind, _, token = call.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind in {"Bearer", "OAuth"} else ""


def _client(call: Call, form: dict[str, str]) -> tuple[str, str]:
    kind, _, value = call.headers.get("Authorization", "").partition(" ")
    if kind != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return "", ""
    return name, secret


def _decoded(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _in_mood(name: str) -> Reply:
    status, error, text = MOODS[name]
    return answer(status, {"error": error, "error_description": text})


def _failure(error: str, text: str) -> Reply:
    return answer(400, {"error": error, "error_description": text})


def _fault(code: str, text: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com">'
        f"<soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring>"
        f"<detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{text}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
        "</soapenv:Body></soapenv:Envelope>"
    )
    return Reply(500, body, {}, "text/xml; charset=utf-8")


class _Texts:
    """Collects the text of every element by its name without prefix."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._name = ""

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        del attrs
        self._name = tag.rpartition("}")[2].rpartition(":")[2]

    def end(self, tag: str) -> None:
        del tag
        self._name = ""

    def data(self, text: str) -> None:
        if self._name:
            self.found[self._name] = self.found.get(self._name, "") + text

    def close(self) -> None:
        """Closes the element, as the parser asks."""


def _elements(body: bytes) -> dict[str, str]:
    texts = _Texts()
    parser = XMLParser(target=texts)  # noqa: S314 - a login by a test's own client
    try:
        parser.feed(body)
        parser.close()
    except ParseError:
        return {}
    return texts.found
