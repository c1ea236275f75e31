"""Reads the owner of a portal's token and its rights: its scopes, and the owners that it may name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from connectors.bodies import ManyListed
from connectors.hubspot.options import HubSpotOptions
from connectors.hubspot.paths import PATHS, TYPES
from connectors.models import Lacks, Reply, Use
from connectors.oauth import BUCKET
from connectors.operations import Operation, Repeat
from connectors.replies import parsed

OWNER = "hubspot_owner_id"
_UNTOLD = frozenset({400, 401, 403, 404, 405})
_APP_TOKEN = Operation(
    "token.info", "POST", "/oauth/v2/private-apps/get/access-token-info", Repeat.SAFE, misses=_UNTOLD
)
_ACCOUNT = Operation("account.get", "GET", "/account-info/v3/details", Repeat.SAFE, misses=_UNTOLD - {401} | {410})
_UNKNOWN = frozenset({400, 403, 404})
Send = Callable[..., Awaitable[Reply]]


class _TokenScopes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    scopes: ManyListed[str] | None = None


class _Owner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    archived: bool = False


class _Account(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    portal: int = Field(alias="portalId", gt=0)


_TOKEN_SCOPES, _OWNER, _PORTAL = TypeAdapter(_TokenScopes), TypeAdapter(_Owner), TypeAdapter(_Account)


async def portal(send: Send, name: str) -> str:
    """Returns the id of the portal that the token belongs to, ``""`` if the token may not ask.

    Assumed: the account's calls have no path of the dated generation.
    """
    reply = await send(_ACCOUNT)
    return "" if reply.status >= 400 else str(parsed(_PORTAL, reply, name, _ACCOUNT.name).portal)


async def granted(send: Send, name: str, options: HubSpotOptions, token: str) -> frozenset[str] | None:
    """Returns the scopes of the token, ``None`` if unknown."""
    operation, call = _question(options, token)
    reply = await send(operation, **call)
    scopes = None if reply.status >= 400 else parsed(_TOKEN_SCOPES, reply, name, operation.name).scopes
    return None if scopes is None else frozenset(scopes)


def scope(use: Use, object: str) -> str:
    """Returns the name of the scope that a use of an object takes."""
    match use:
        case Use.DEFINE:
            return f"crm.schemas.{TYPES[object]}.write"
        case Use.OWN:
            return "crm.objects.owners.read"
        case _:
            return f"crm.objects.{TYPES[object]}.{use}"


def lacks(scopes: frozenset[str] | None, object: str) -> Lacks:
    """Returns the scope for changing and creating rows of ``object``, if the token is known to lack it."""
    wanted = scope(Use.WRITE, object)
    if scopes is None or wanted in scopes:
        return Lacks()
    grant = f"give the token the scope {wanted}"
    return Lacks(grant, grant)


def _question(options: HubSpotOptions, token: str) -> tuple[Operation, dict[str, Any]]:
    """Returns the call that tells a token's scopes: a private app's and a connected one's have each their own."""
    if options.token is not None or options.client_id is None or options.client_secret is None:
        return _APP_TOKEN, {"json": {"tokenKey": token}}
    path = PATHS[options.api_version].introspect
    form = {
        "client_id": options.client_id.get_secret_value(),
        "client_secret": options.client_secret.get_secret_value(),
        "token": token,
        "token_type_hint": "access_token",
    }
    return Operation("oauth.introspect", "POST", path, Repeat.SAFE, bucket=BUCKET, misses=_UNTOLD), {"form": form}


async def unusable_owner(send: Send, name: str, options: HubSpotOptions, id: str) -> str:
    """Says why a row cannot be given this owner, ``""`` if it can or nothing is known.

    Owners who have left are in a separate list; an id in neither list never existed.
    """
    call = Operation("owners.get", "GET", f"{PATHS[options.api_version].owners}/{{id}}", Repeat.SAFE, misses=_UNKNOWN)
    for archived in (False, True):
        reply = await send(call, path={"id": id}, query={"archived": "true" if archived else "false"})
        if reply.status == 403:
            return ""  # owners are a scope of their own, which nothing else needs
        if reply.status < 400:
            gone = archived or parsed(_OWNER, reply, name, call.name).archived
            return "this owner is not active" if gone else ""
    return "the portal has no such owner"
