"""Renews access tokens for every vendor that signs in by OAuth.

One process at a time renews a credential, and all of them use what it got.

A vendor that rotates refresh tokens hands out a new one with every answer and takes the old one back. Spent twice, a
token costs the whole connection, so renewing is a lease of a ``GrantStore``, the newest token is read inside it, and
the vendor's reply is stored before it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Protocol, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr
from pydantic_core import from_json

from connectors.batching import shared
from connectors.errors import (
    AccessError,
    ConnectorError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    SignInUnavailableError,
    UnavailableError,
)
from connectors.models import Reply
from connectors.operations import Operation
from connectors.replies import ReplyReading, request_id, retry_after

BUCKET = (
    "token"  # the limiter's bucket of token endpoints: an outage there is not one of the API's, and the other way round
)
REPEATS_S = (0.5, 1.0, 2.0)  # before a request that the vendor wants repeated is repeated
_AGAIN_CODES = frozenset({"unknown_error", "server_error", "temporarily_unavailable", "slow_down"})
_AGAIN = re.compile(
    r"\bre-?try\b|\btry (?:it |this )?(?:again|later)|\balready (?:being processed|in progress)|temporar"
    r"|\bunavailable\b|timed? ?out|internal (?:server )?error",
    re.IGNORECASE,
)
_TOO_OFTEN = re.compile(r"too many|rate (?:limit )?exceeded|rate[_ ]limit", re.IGNORECASE)
_BEARER = re.compile(r"[!-~]+")
_CODE = re.compile(r"[A-Za-z]\w{2,80}", re.ASCII)


def _as_bearer(token: SecretStr) -> SecretStr:
    if not _BEARER.fullmatch(token.get_secret_value()):
        raise ValueError("not a bearer token")
    return token


AccessToken: TypeAlias = Annotated[SecretStr, AfterValidator(_as_bearer)]
"""A token that is valid in a header: a vendor's text is not part of a request before this is known."""


class Grant(BaseModel):
    """Holds a token endpoint's grant. ``good_until`` is Unix time, 0 for a token that is good until it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    good_until: float = 0.0
    instance_url: str = ""
    identity: str = ""


class RenewalLease(Protocol):
    """Holds the right to renew one credential, exclusively."""

    @property
    def grant(self) -> Grant | None:
        """Returns the newest grant of any process."""

    @property
    def refresh_token(self) -> SecretStr | None:
        """Returns the newest refresh token, ``None`` for a flow without one."""

    async def extend(self) -> None:
        """Hold the lease for as long as one more request may take.

        Raises:
            SignInUnavailableError: it is another process's by now.
        """

    async def keep(self, grant: Grant) -> None:
        """Return once ``grant`` would survive a crash."""


class GrantStore(Protocol):
    """Names the place of the newest grant of one credential."""

    def lease(self) -> AbstractAsyncContextManager[RenewalLease]:
        """Wait until nobody else renews, then hold the lease."""


class OwnGrants:
    """Keeps grants in memory, for a credential of one process or one that nothing rotates."""

    def __init__(self, refresh_token: SecretStr | None = None) -> None:
        self.refresh_token = refresh_token
        self.grant: Grant | None = None

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[RenewalLease]:
        yield self

    async def extend(self) -> None:
        """Returns at once: nobody else is there."""

    async def keep(self, grant: Grant) -> None:
        self.grant, self.refresh_token = grant, grant.refresh_token or self.refresh_token


class OAuth:
    """Signs requests with access tokens of one credential (``connectors.auth.Auth``).

    ``ask`` trades the newest refresh token, where the flow has one, for a grant. ``taken`` gets every grant that
    is used from now on. Concurrent callers share one renewal and its outcome, failures included.
    """

    def __init__(
        self,
        ask: Callable[[SecretStr | None], Awaitable[Grant]],
        store: GrantStore,
        *,
        taken: Callable[[Grant], None] = lambda _: None,
        wall_clock: Callable[[], float] = time.time,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ask, self._store, self._taken = ask, store, taken
        self._wall_clock, self._rest = wall_clock, rest
        self._grant: Grant | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def headers(self) -> Mapping[str, str]:
        """Returns the Bearer header; fetches a token first if there is none or the present one is about to expire."""
        if self._grant is None or not self._is_good(self._grant):
            await self._renewed()
        return {"authorization": f"Bearer {_text(self._grant)}"}

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """Tells whether there is a newer token than the refused one: one that is there already, or a fresh one."""
        token = refused.get("authorization", "").removeprefix("Bearer ")
        if token == _text(self._grant):
            await self._renewed(token)
        return True

    async def aclose(self) -> None:
        """Wait for a renewal under way: a refresh token is spent the moment it is sent."""
        if self._renewal is not None:
            with contextlib.suppress(Exception):  # the asker got the error
                await asyncio.shield(self._renewal)

    async def _renewed(self, refused: str = "") -> None:
        """Join the renewal under way or begin one. It goes on when its callers are cancelled."""
        if self._renewal is None or self._renewal.done():
            self._renewal = shared(self._renew(refused))
            self._renewal.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._renewal)

    async def _renew(self, refused: str) -> None:
        async with self._store.lease() as lease:
            grant = lease.grant
            if grant is None or _text(grant) == refused or not self._is_good(grant):
                grant = await self._asked(lease)
                await lease.keep(grant)
        self._taken(grant)
        self._grant = grant

    async def _asked(self, lease: RenewalLease) -> Grant:
        """Returns one grant of the vendor, which may want the request repeated.

        Raises:
            SignInUnavailableError: it still wants that, or did not answer.
            AccessError: it refuses the credential.
        """
        for wait_s in (*REPEATS_S, None):
            await lease.extend()
            try:
                return await self._ask(lease.refresh_token)
            except SignInUnavailableError:
                if wait_s is None:
                    raise
                await self._rest(wait_s)
            except RateLimitedError:
                raise
            except (UnavailableError, OutcomeUnknownError, ContractError) as error:
                args = (error.vendor, error.operation, error.status, error.request_id)
                raise SignInUnavailableError(*args, bucket=f"{error.vendor}:{BUCKET}", code=error.code) from error
        raise AssertionError  # pragma: no cover - the last repeat returns or raises

    def _is_good(self, grant: Grant) -> bool:
        return not grant.good_until or self._wall_clock() < grant.good_until


def _text(grant: Grant | None) -> str:
    return grant.access_token.get_secret_value() if grant else ""


def token_reading(
    vendor: str, codes: Sequence[str], blamed: Callable[[str, str], tuple[str, str]], too_often_s: float
) -> ReplyReading:
    """Tells how a token endpoint is read: a refusal that asks for a repeat, or for rarer calls, blames no credential.

    ``codes`` are the members of a body that may hold its code, first come first. ``blamed`` gives, from code and words,
    our code and what a person should do; the words go no further. ``too_often_s`` is how long to keep away.
    """

    def refused(operation: Operation, reply: Reply) -> ConnectorError | None:
        if not 400 <= reply.status < 500 or reply.status in {408, 423, 425, 429, 477}:
            return None
        code, words = _said(reply.body, codes)
        args, bucket = (vendor, operation.name, reply.status, request_id(reply)), f"{vendor}:{BUCKET}"
        if _TOO_OFTEN.search(f"{code} {words}"):
            wait_s = retry_after(reply)
            return RateLimitedError(
                *args, retry_after_s=too_often_s if wait_s is None else wait_s, bucket=bucket, code=code
            )
        is_page = not code and (reply.status == 400 or reply.headers.get("content-type", "").startswith("text/html"))
        is_page &= reply.status not in {404, 405, 410}  # there is no token endpoint: the address is wrong
        if code in _AGAIN_CODES or _AGAIN.search(words) or is_page:
            hint = "its token endpoint asks for the request again, or does not answer: it is tried again"
            return SignInUnavailableError(*args, bucket=bucket, code=code, hint=hint)
        code, hint = blamed(code, words.lower())
        return AccessError(*args, code=code, hint=hint)

    return ReplyReading(refusal=refused, statuses={477: UnavailableError})


def _said(body: bytes, codes: Sequence[str]) -> tuple[str, str]:
    """Returns the code and message of an error's body, ``""`` if it has none."""
    try:
        raw = from_json(body)
    except ValueError:
        return "", ""
    if isinstance(raw, list) and raw:  # as Salesforce's data API words it
        raw = raw[0]
    if not isinstance(raw, dict):
        return "", ""
    texts = {name: text for name, text in raw.items() if isinstance(text, str)}
    found = (texts[name] for name in codes if _CODE.fullmatch(texts.get(name, "")) and texts[name] != "error")
    return next(found, ""), " ".join(texts.get(name, "") for name in ("error_description", "message"))
