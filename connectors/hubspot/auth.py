"""HubSpot's OAuth: access tokens of half an hour, fetched ahead of time by one refresh at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from connectors.classify import parsed
from connectors.errors import AccessError, ConnectorError, OutcomeUnknownError, UnavailableError
from connectors.hubspot.refusals import request_id
from connectors.models import Reply
from connectors.operations import Operation
from connectors.transport import Reading, Transport

EARLY_S = 120.0  # a token is not used in its last two minutes: a call may wait that long for its slot
Keep = Callable[[str], Awaitable[None]]


class _Token(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    expires_in: float = 1800.0


_TOKEN = TypeAdapter(_Token)


def token_reading(vendor: str) -> Reading:
    """A refused refresh means that the connection was revoked: no token will come until a person connects again."""

    def refused(operation: Operation, reply: Reply) -> ConnectorError | None:
        if not 400 <= reply.status < 500 or reply.status in {408, 423, 425, 429, 477}:
            return None
        hint = "the refresh token is refused: connect the portal again"
        return AccessError(vendor, operation.name, reply.status, request_id(reply), code="BAD_REFRESH_TOKEN", hint=hint)

    return Reading(refusal=refused)


class OAuth:
    """Trades the refresh token for access tokens. A rotated refresh token goes to ``keep`` before its token is used."""

    def __init__(
        self,
        transport: Transport,
        operation: Operation,
        client_id: SecretStr,
        client_secret: SecretStr,
        refresh_token: SecretStr,
        keep: Keep | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport, self._operation = transport, operation
        self._client_id, self._client_secret, self._refresh_token = client_id, client_secret, refresh_token
        self._keep, self._clock = keep, clock
        self._access, self._good_until = SecretStr(""), 0.0
        self._one = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """The Bearer header; fetches a token first when the one at hand is about to end."""
        if self._clock() >= self._good_until:
            async with self._one:
                if self._clock() >= self._good_until:
                    await self._refresh()
        return {"authorization": f"Bearer {self._access.get_secret_value()}"}

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """A newer token than the refused one: one that is there already, or a fresh one."""
        async with self._one:
            if refused.get("authorization") == f"Bearer {self._access.get_secret_value()}":
                await self._refresh()
        return True

    async def _refresh(self) -> None:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id.get_secret_value(),
            "client_secret": self._client_secret.get_secret_value(),
            "refresh_token": self._refresh_token.get_secret_value(),
        }
        try:
            reply = await self._transport.send(self._operation, form=form)
        except OutcomeUnknownError as unknown:
            args = (unknown.vendor, unknown.operation, unknown.status, unknown.request_id)
            raise UnavailableError(*args, bucket=unknown.vendor, code=unknown.code) from unknown
        token = parsed(_TOKEN, reply, self._transport.vendor, self._operation.name)
        if token.refresh_token is not None and token.refresh_token != self._refresh_token:
            if self._keep is not None:
                await self._keep(token.refresh_token.get_secret_value())
            self._refresh_token = token.refresh_token
        self._access = token.access_token
        self._good_until = self._clock() + max(token.expires_in - EARLY_S, token.expires_in / 2)
