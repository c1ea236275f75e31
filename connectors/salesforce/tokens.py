"""Signs in to Salesforce: a token is used until a 401, then renewed (``connectors.oauth``).

The library's own refresh drops headers, loops and keeps an old host, so it is not used.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import jwt
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from connectors.addresses import is_loopback
from connectors.errors import AccessError
from connectors.oauth import BUCKET, AccessToken, Grant, GrantStore, OAuth, OwnGrants
from connectors.operations import Operation, Repeat
from connectors.replies import parsed
from connectors.salesforce.ids import known_id, same_id
from connectors.salesforce.options import SalesforceOptions
from connectors.salesforce.sign_in import WRONG_AUDIENCE
from connectors.transport import Transport

# Not repeated here: it may rotate the refresh token, and the call that needs it repeats.
TOKEN = Operation("oauth.token", "POST", "/services/oauth2/token", Repeat.CREATES, bucket=BUCKET)
GOOD_FOR_S = 180  # of a JWT; Salesforce takes a few minutes at most
HOSTS = (".salesforce.com", ".force.com", ".salesforce.mil", ".cloudforce.com", ".sfcrmproducts.cn")
_LOGINS = ("login.salesforce.com", "test.salesforce.com")
_SITES = (".my.site.com", ".force.com")  # of an Experience site, which is its own audience


class _SalesforceToken(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    access_token: AccessToken
    instance_url: str
    refresh_token: SecretStr | None = None
    id: str = ""


_TOKEN = TypeAdapter(_SalesforceToken)


class Tokens:
    """Keeps the org's access token, the host it is for and the user it is of (``connectors.auth.Auth``)."""

    def __init__(
        self,
        name: str,
        options: SalesforceOptions,
        transport: Transport,
        store: GrantStore | None = None,
        *,
        wall_clock: Callable[[], float] = time.time,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Takes ``store`` to keep the grants of a refresh token; other sign-ins need none and are not shared."""
        self._name, self._options, self._transport, self._wall_clock = name, options, transport, wall_clock
        if store is None or options.auth != "refresh_token":
            store = OwnGrants(options.refresh_token)
        self._oauth = OAuth(self._ask, store, taken=self._taken, wall_clock=wall_clock, rest=rest)
        self._audiences = audiences(options)
        self.instance, self.user_id, self.org_id = "", "", ""

    async def headers(self) -> Mapping[str, str]:
        """Returns the Bearer header; the first call signs in."""
        return await self._oauth.headers()

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """Tells whether there is a newer token than the refused one."""
        return await self._oauth.renewed(refused)

    async def aclose(self) -> None:
        """Wait for a renewal under way."""
        await self._oauth.aclose()

    async def _ask(self, refresh_token: SecretStr | None) -> Grant:
        try:
            reply = await self._transport.send(TOKEN, form=await self._form(refresh_token))
        except AccessError as refused:
            if refused.code != WRONG_AUDIENCE or len(self._audiences) < 2:
                raise
            self._audiences = self._audiences[1:]  # the address named the wrong one of the two
            reply = await self._transport.send(TOKEN, form=await self._form(refresh_token))
        token = parsed(_TOKEN, reply, self._transport.vendor, TOKEN.name)
        return Grant(
            access_token=token.access_token,
            refresh_token=token.refresh_token,
            instance_url=token.instance_url,
            identity=token.id,
        )

    def _taken(self, grant: Grant) -> None:
        instance = pinned(self._name, grant.instance_url, self._options.base_url)
        org_id, user_id = identity(grant.identity)
        if self._options.org_id and org_id and not same_id(org_id, self._options.org_id):
            raise AccessError(self._name, TOKEN.name, code="ORG", hint="the credential belongs to another org")
        self.org_id, self.user_id, self.instance = org_id, known_id(user_id), instance

    async def _form(self, refresh_token: SecretStr | None) -> Mapping[str, str]:
        options = self._options
        secret, client_id = _open(options.client_secret), _open(options.client_id)
        if options.auth == "jwt":
            return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": await self._assertion()}
        if options.auth == "client_credentials":
            return {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": _open(refresh_token)}
        return form | ({"client_secret": secret} if secret else {})

    async def _assertion(self) -> str:
        options = self._options
        claims = {
            "iss": _open(options.client_id),
            "sub": _open(options.username),
            "aud": self._audiences[0],
            "exp": int(self._wall_clock()) + GOOD_FOR_S,
        }
        try:
            key = await asyncio.to_thread((options.private_key_file or Path()).read_bytes)
            return jwt.encode(claims, key, algorithm="RS256")
        except (OSError, ValueError, TypeError, jwt.PyJWTError) as failure:
            hint = f"the private key file cannot be used ({type(failure).__name__})"
            raise AccessError(self._name, TOKEN.name, hint=hint) from None


def _open(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def check(name: str, options: SalesforceOptions) -> None:
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
        raise ValueError(f"{name} with auth {options.auth} needs {' and '.join(lost)}")


def audiences(options: SalesforceOptions) -> tuple[str, ...]:
    """Lists the audiences of the JWT, likeliest first: as configured, an Experience site, or one of two login hosts."""
    if options.audience:
        return (options.audience,)
    login, org = (urlsplit(address).hostname or "" for address in (options.login_base or "", options.base_url))
    for host in (login, org):
        if host.endswith(_SITES):
            return (f"https://{host}{urlsplit(options.login_base or options.base_url).path}",)
        if host in _LOGINS:
            return (f"https://{host}", *(f"https://{other}" for other in _LOGINS if other != host))
    first, second = reversed(_LOGINS) if is_sandbox(org) else _LOGINS
    return (f"https://{first}", f"https://{second}")


def is_sandbox(host: str) -> bool:
    """Tells whether an org's address is a sandbox's or a scratch org's.

    ``acme--uat.sandbox.my.salesforce.com`` and ``words-dev-ed.scratch.my.salesforce.com``; before enhanced domains
    ``acme--uat.my.salesforce.com`` and ``acme--uat.cs42.my.salesforce.com``; ``cs42.salesforce.com``; and on Hyperforce
    the instance's own ``usa2s.sfdc-yfeipo.salesforce.com``.
    """
    first, *rest = host.split(".")
    return (
        "--" in first
        or bool({"sandbox", "scratch"} & set(rest))
        or any(re.fullmatch(r"cs\d+", part) for part in (first, *rest))
        or (re.fullmatch(r"[a-z]{3}\d+s", first) is not None and rest[:1] != [] and rest[0].startswith("sfdc-"))
    )


def pinned(vendor: str, instance_url: str, base_url: str) -> str:
    """Returns the origin a token answer sends us to, if it is one that may see our token.

    Raises:
        AccessError: it is neither the configured host nor Salesforce's over https (or loopback with loopback).
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
    """Returns (org id, user id) from a token answer's ``id``, ``https://host/id/<org>/<user>``."""
    parts = urlsplit(url).path.strip("/").split("/")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "id" else ("", "")
