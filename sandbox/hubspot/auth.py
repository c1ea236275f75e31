"""Checks tokens: the static one, OAuth refresh, and a Bearer token's rights."""

import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from sandbox.calls import Call, Reply
from sandbox.clock import Clock, iso
from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.settings import Settings
from sandbox.hubspot.table import USER_ID

MOODS: Final[dict[str, tuple[int, dict[str, str]]]] = {
    "retry": (400, {"status": "error", "message": "Something went wrong, please retry", "error": "server_error"}),
    "busy": (400, {"status": "error", "message": "A token request is already in progress", "error": "invalid_grant"}),
    "too_often": (400, {"status": "error", "message": "Rate limit exceeded", "errorType": "RATE_LIMIT"}),
    "page": (400, {}),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    token: str = "pat-na1-sandbox-0000-0000"
    client_id: str = "sandbox-client-id"
    client_secret: str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
    refresh_token: str = "na1-sandbox-refresh-token"
    code: str = "sandbox-authorization-code"


class Tokens:
    def __init__(self, clock: Clock, settings: Settings) -> None:
        self.credentials = Credentials()
        self.issued = 0
        self.static_revoked = False
        self._clock = clock
        self._settings = settings
        self._until: dict[str, float] = {}
        self._refresh = {self.credentials.refresh_token}

    def is_oauth(self, call: Call) -> bool:
        return bearer(call) in self._until

    def check(self, call: Call) -> None:
        """Refuses a request whose token is not valid. Raises: ApiError 401."""
        token = bearer(call)
        if token == self.credentials.token and not self.static_revoked:
            return
        until = self._until.get(token)
        if until is None and (not token or token.startswith("pat-")):
            raise ApiError(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )
        # an unknown token counts as one that expired in 1970
        until, now = until or 0.0, self._clock.wall()
        if until <= now:
            seconds = int(now - until)
            raise ApiError(
                401,
                "EXPIRED_AUTHENTICATION",
                f"The OAuth token used to make this call expired {seconds} second(s) ago.",
                context={"expire time": [iso(until)]},
            )

    def expire(self) -> int:
        """Expires all access tokens: they are a second past their life."""
        self._until = dict.fromkeys(self._until, self._clock.wall() - 1)
        return len(self._until)

    def connect(self) -> str:
        token = f"na1-{secrets.token_urlsafe(24)}"
        self._refresh.add(token)
        return token

    def revoke_refresh(self) -> None:
        self._refresh.clear()

    def token(self, call: Call) -> Reply:
        form, held = _form(call), self.credentials
        call.entry.key = form.get("grant_type", "")
        if self._settings.token_moods:
            return Reply(*MOODS[self._settings.token_moods.pop(0)])
        if (form.get("client_id"), form.get("client_secret")) != (held.client_id, held.client_secret):
            return _failure("invalid_client", "BAD_CLIENT", "missing or invalid client id or secret")
        if form.get("grant_type") == "authorization_code":
            if form.get("code") != held.code or not form.get("redirect_uri"):
                return _failure("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
            refresh = held.refresh_token
            self._refresh.add(refresh)
        elif form.get("grant_type") == "refresh_token":
            refresh = form.get("refresh_token", "")
            if refresh not in self._refresh:
                return _failure("invalid_grant", "BAD_REFRESH_TOKEN", "missing or unknown refresh token")
            if self._settings.rotate_refresh_tokens:
                self._refresh.discard(refresh)
                refresh = f"na1-{secrets.token_urlsafe(24)}"
                self._refresh.add(refresh)
        else:
            return _failure("unsupported_grant_type", "BAD_GRANT_TYPE", "unsupported grant type")
        return Reply(200, self._granted(refresh))

    def introspect(self, call: Call) -> Reply:
        token = _form(call).get("token", "")
        until = self._until.get(token)
        now = self._clock.wall()
        active = token in self._refresh or (until is not None and until > now)
        body: dict[str, Any] = {"active": active}
        if active:
            kind = "refresh_token" if token in self._refresh else "access_token"
            body |= {
                "client_id": self.credentials.client_id,
                "hub_id": self._settings.portal_id,
                "user_id": USER_ID,
                "scopes": list(self._settings.scopes),
                "token_use": kind,
            }
        return Reply(200, body)

    def app_token(self, call: Call) -> Reply:
        """Returns a private app's rights."""
        if call.json.get("tokenKey") != self.credentials.token:
            return Reply(404, {"status": "error", "message": "token not found", "correlationId": "0"})
        told = {"userId": USER_ID, "hubId": self._settings.portal_id, "scopes": list(self._settings.scopes)}
        return Reply(200, told)

    def revoke(self, call: Call) -> Reply:
        token = _form(call).get("token", "")
        self._refresh.discard(token)
        self._until.pop(token, None)
        return Reply(200, {})

    def _granted(self, refresh: str) -> dict[str, Any]:
        access = f"CN{secrets.token_urlsafe(96)}"
        self._until[access] = self._clock.wall() + self._settings.token_life_s
        self.issued += 1
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": int(self._settings.token_life_s),
            "token_type": "bearer",
            "token_use": "access_token",
            "hub_id": self._settings.portal_id,
            "user_id": USER_ID,
            "scopes": list(self._settings.scopes),
        }


def bearer(call: Call) -> str:
    kind, _, token = call.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _form(call: Call) -> dict[str, str]:
    """Reads the form in the body; the query is not looked at."""
    return {name: values[0] for name, values in parse_qs(call.body.decode(errors="replace")).items()}


def _failure(error: str, status: str, text: str) -> Reply:
    return Reply(400, {"error": error, "error_description": text, "status": status, "message": text})
