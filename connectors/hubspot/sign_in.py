"""Signs in by HubSpot's OAuth: access tokens of half an hour, renewed ahead of time (``connectors.oauth``)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from connectors.oauth import AccessToken, Grant, token_reading
from connectors.operations import Operation
from connectors.replies import parsed
from connectors.transport import ReplyReading, Transport

TOO_OFTEN_S = 10.0
EARLY_S = 120.0  # a token is not used in its last two minutes: a call may wait that long for its slot
_CLIENT, _CONNECT = "check client id and client secret", "the refresh token is refused: connect the portal again"


class _HubSpotToken(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    access_token: AccessToken
    refresh_token: SecretStr | None = None
    expires_in: float = 1800.0


_TOKEN = TypeAdapter(_HubSpotToken)


def reading(vendor: str) -> ReplyReading:
    return token_reading(vendor, ("status", "error", "category", "errorType"), _blamed, TOO_OFTEN_S)


def _blamed(code: str, _words: str) -> tuple[str, str]:
    """Returns code and hint.

    A refused refresh means that the connection was revoked: no token comes until a person connects again.
    """
    return code or "BAD_REFRESH_TOKEN", _CLIENT if "client" in code.lower() else _CONNECT


def asker(
    transport: Transport,
    operation: Operation,
    client_id: SecretStr,
    client_secret: SecretStr,
    wall_clock: Callable[[], float] = time.time,
) -> Callable[[SecretStr | None], Awaitable[Grant]]:
    """Trades a refresh token for a grant."""

    async def ask(refresh_token: SecretStr | None) -> Grant:
        form = {
            "grant_type": "refresh_token",
            "client_id": client_id.get_secret_value(),
            "client_secret": client_secret.get_secret_value(),
            "refresh_token": refresh_token.get_secret_value() if refresh_token else "",
        }
        reply = await transport.send(operation, form=form)
        token = parsed(_TOKEN, reply, transport.vendor, operation.name)
        good_until = wall_clock() + max(token.expires_in - EARLY_S, token.expires_in / 2)
        return Grant(access_token=token.access_token, refresh_token=token.refresh_token, good_until=good_until)

    return ask
