"""Salesforce's OAuth: tokens are used until a 401, and fetched anew by one refresh at a time.

The library's own refresh drops headers, loops and keeps an old host, so it is not used.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import jwt
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from connectors.addresses import is_loopback
from connectors.classify import parsed
from connectors.errors import AccessError, OutcomeUnknownError, UnavailableError
from connectors.operations import Operation, Repeat
from connectors.salesforce.options import SalesforceOptions
from connectors.salesforce.records import long_id
from connectors.transport import Transport

# Not repeated by itself: it may rotate the refresh token, and the call that needs it repeats.
TOKEN = Operation("oauth.token", "POST", "/services/oauth2/token", Repeat.CREATES)
GOOD_FOR_S = 180  # of a JWT; Salesforce takes a few minutes at most
HOSTS = (".salesforce.com", ".force.com", ".salesforce.mil", ".cloudforce.com", ".sfcrmproducts.cn")
Keep = Callable[[str], Awaitable[None]]


class _Token(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: SecretStr
    instance_url: str
    refresh_token: SecretStr | None = None
    id: str = ""


_TOKEN = TypeAdapter(_Token)


class Tokens:
    """The token at hand and the host it is for. A rotated refresh token goes to ``keep`` before its token is used."""

    def __init__(
        self,
        options: SalesforceOptions,
        transport: Transport,
        keep: Keep | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._options, self._transport, self._keep, self._wall_clock = options, transport, keep, wall_clock
        self._refresh_token = options.refresh_token
        self._access = SecretStr("")
        self._one = asyncio.Lock()
        self.instance, self.user_id, self.org_id = "", "", ""

    async def headers(self) -> Mapping[str, str]:
        """The Bearer header; the first call fetches a token."""
        if not self.instance:
            async with self._one:
                if not self.instance:
                    await self._fetch()
        return {"authorization": f"Bearer {self._access.get_secret_value()}"}

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """A newer token than the refused one: one that is there already, or a fresh one."""
        async with self._one:
            if refused.get("authorization") == f"Bearer {self._access.get_secret_value()}":
                await self._fetch()
        return True

    async def _fetch(self) -> None:
        try:
            reply = await self._transport.send(TOKEN, form=await self._form())
        except OutcomeUnknownError as unknown:
            args = (unknown.vendor, unknown.operation, unknown.status, unknown.request_id)
            raise UnavailableError(*args, bucket=unknown.vendor, code=unknown.code) from unknown
        token = parsed(_TOKEN, reply, self._transport.vendor, TOKEN.name)
        instance = pinned(self._options.name, token.instance_url, self._options.base_url)
        if token.refresh_token is not None and token.refresh_token != self._refresh_token:
            if self._keep is not None:
                await self._keep(token.refresh_token.get_secret_value())
            self._refresh_token = token.refresh_token
        org_id, user_id = identity(token.id)
        if self._options.org_id and org_id and org_id[:15] != self._options.org_id[:15]:
            raise AccessError(self._options.name, TOKEN.name, code="ORG", hint="the credential belongs to another org")
        self.org_id, self.user_id = org_id, long_id(user_id)
        self._access, self.instance = token.access_token, instance

    async def _form(self) -> Mapping[str, str]:
        options = self._options
        secret, client_id = _open(options.client_secret), _open(options.client_id)
        if options.auth == "jwt":
            return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": await self._assertion()}
        if options.auth == "client_credentials":
            return {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token = _open(self._refresh_token)
        form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}
        return form | ({"client_secret": secret} if secret else {})

    async def _assertion(self) -> str:
        options = self._options
        claims = {
            "iss": _open(options.client_id),
            "sub": _open(options.username),
            "aud": options.audience or audience(options.base_url),
            "exp": int(self._wall_clock()) + GOOD_FOR_S,
        }
        try:
            key = await asyncio.to_thread((options.private_key_file or Path()).read_bytes)
            return jwt.encode(claims, key, algorithm="RS256")
        except (OSError, ValueError, TypeError, jwt.PyJWTError) as failure:
            hint = f"the private key file cannot be used ({type(failure).__name__})"
            raise AccessError(options.name, TOKEN.name, hint=hint) from None


def _open(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def check(options: SalesforceOptions) -> None:
    """See that the secrets of ``auth`` are there.

    Raises:
        ValueError: one is not; the message names it.
    """
    needed: dict[str, object] = {"client_id": options.client_id}
    if options.auth == "client_credentials":
        needed |= {"client_secret": options.client_secret}
    elif options.auth == "jwt":
        needed |= {"username": options.username, "private_key_file": options.private_key_file}
    else:
        needed |= {"refresh_token": options.refresh_token}
    if lost := [name for name, value in needed.items() if not value]:
        raise ValueError(f"{options.name} with auth {options.auth} needs {' and '.join(lost)}")


def audience(base_url: str) -> str:
    """Whom a JWT is for: the documented ones are production's and test's login hosts."""
    host = urlsplit(base_url).hostname or ""
    test = ".sandbox." in host or host.startswith("test.")
    return "https://test.salesforce.com" if test else "https://login.salesforce.com"


def pinned(vendor: str, instance_url: str, base_url: str) -> str:
    """The origin a token answer sends us to, if it is one that may see our token.

    Raises:
        AccessError: it is neither the configured host nor Salesforce's over https (or loopback beside loopback).
    """
    try:
        parts, base = urlsplit(instance_url), urlsplit(base_url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, base, port = urlsplit(""), urlsplit(base_url), ""
    host = (parts.hostname or "").rstrip(".")
    plain = parts.username is None and parts.password is None
    ours = host != "" and host == base.hostname and parts.scheme == base.scheme
    theirs = parts.scheme == "https" and host.endswith(HOSTS) and not port
    local = parts.scheme in {"http", "https"} and is_loopback(host) and is_loopback(base.hostname or "")
    if not plain or not (ours or theirs or local):
        hint = "the token answer names a host that is not Salesforce's: check base_url and login_base"
        raise AccessError(vendor, TOKEN.name, code="INSTANCE", hint=hint)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def identity(url: str) -> tuple[str, str]:
    """(org id, user id) from a token answer's ``id``, ``https://host/id/<org>/<user>``."""
    parts = urlsplit(url).path.strip("/").split("/")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "id" else ("", "")
