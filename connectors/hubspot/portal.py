"""Knows one HubSpot portal: its account, its schema, its clock and our token's rights.

Source: the API of generations 2026-09 and v3 (account, properties), read 2026-11-20.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Self

from pydantic import SecretStr, TypeAdapter

from connectors.errors import LOST, AccessError, ContractError
from connectors.hubspot import records, refusals, rights, sign_in
from connectors.hubspot.operations import Calls, calls, token_call
from connectors.hubspot.options import RESERVE, SEARCH, HubSpotOptions
from connectors.hubspot.paths import MODIFIED
from connectors.hubspot.records import RawProperties
from connectors.limits import Limiter, Window
from connectors.models import AccountStatus, Lacks, Need, Property, Reply, Use
from connectors.oauth import GrantStore, OAuth, OwnGrants
from connectors.operations import Operation
from connectors.ports import Watched
from connectors.replies import parsed, server_time
from connectors.transport import Auth, ConnectionTerms, NoAuth, StaticAuth, Transport

SCHEMA_S = 600.0  # how long a portal's schema is believed
CLOCK_S = 60.0
_GROUPS = {"contact": "contactinformation", "company": "companyinformation"}
_SCHEMA = TypeAdapter(RawProperties)


class HubSpotPortal:
    """Sends the calls of one portal, and remembers its properties."""

    def __init__(
        self,
        name: str,
        options: HubSpotOptions,
        transport: Transport,
        *,
        also: Sequence[Transport | OAuth] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keeps the transports; ``also`` is closed before the transport."""
        self.name = name
        self.index_lag_ms = int(options.index_lag.total_seconds() * 1000)
        self.buckets: Mapping[str, tuple[Window, ...]] = {name: options.rate, f"{name}:search": (SEARCH,)}
        self._options, self._transport, self._also = options, transport, also
        self.clock = transport.clock
        self._clock = clock
        self._calls = calls(options.api_version)
        self._schemas: dict[str, tuple[float, Mapping[str, Property]]] = {}
        self._vendor_time = (0, 0.0)  # the vendor's ms, our clock when it came
        self._account = ""

    @classmethod
    def opened(
        cls,
        name: str,
        options: HubSpotOptions,
        limiter: Limiter,
        *,
        grants: GrantStore | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        read_s: float = 60.0,
    ) -> Self:
        """Returns a portal with its own transports. ``grants`` keeps the grants of a refresh token.

        Raises:
            ValueError: neither a token nor the three OAuth values are there, or the address will not do.
        """
        also: list[Transport | OAuth] = []
        auth: Auth
        if options.token is not None:
            auth = StaticAuth("authorization", SecretStr(f"Bearer {options.token.get_secret_value()}"))
        elif options.client_id and options.client_secret and options.refresh_token:
            tokens = Transport(
                name,
                options.base_url,
                NoAuth(),
                limiter,
                reading=sign_in.reading(name),
                terms=ConnectionTerms(read_s=read_s, most=1),
            )
            ask = sign_in.asker(
                tokens, token_call(options.api_version), options.client_id, options.client_secret, wall_clock
            )
            auth = OAuth(ask, grants or OwnGrants(options.refresh_token), wall_clock=wall_clock, rest=rest)
            also += [auth, tokens]
        else:
            raise ValueError(f"{name} needs a token, or client id, client secret and refresh token")
        reading = refusals.reading(name, RESERVE, options.api_version)
        terms = ConnectionTerms(read_s=read_s)
        transport = Transport(name, options.base_url, auth, limiter, reading=reading, terms=terms)
        return cls(name, options, transport, also=also, clock=clock)

    async def aclose(self) -> None:
        for part in (*self._also, self._transport):
            await part.aclose()

    async def account(self) -> str:
        """Asks for the portal's id, once."""
        self._account = self._account or await rights.portal(self._transport.send, self.name)
        return self._account

    async def account_status(self) -> AccountStatus:
        """Reads one property, which also tells whether HubSpot's own Salesforce sync feeds this portal."""
        reply = await self._send(self._calls["contact"].property, path={"name": "salesforcecontactid"})
        note = "the portal is synced with Salesforce (salesforcecontactid): deliver to one of the two only"
        return AccountStatus(who=self.name, notes=(note,) if reply.status == 200 else ())

    async def properties(self, object: str) -> Mapping[str, Property]:
        """Returns the portal's own schema, read again."""
        operation = self._of(object).properties
        raw = parsed(_SCHEMA, await self._send(operation), self.name, operation.name)
        schema = {item.name: records.to_property(item) for item in raw.results}
        self._schemas[object] = (self._clock() + SCHEMA_S, schema)
        return schema

    def seen(self, object: str) -> Mapping[str, Property] | None:
        """Returns the schema as it was last read."""
        return self._schemas[object][1] if object in self._schemas else None

    async def related(self, object: str, names: Sequence[str]) -> Mapping[str, Property]:
        """Returns nothing: a record is searched by its own properties."""
        del object, names
        return {}

    def needs(self, object: str) -> tuple[Need, ...]:
        """Returns consent, and the linked company."""
        return records.NEEDS.get(object, ())

    async def lacks(self, object: str) -> Lacks:
        """Reads the token's scopes."""
        self._of(object)
        return rights.lacks(await self._granted(), object)

    async def ungranted(self, uses: Collection[tuple[Use, str]]) -> tuple[str, ...] | None:
        """Returns the scopes that the token lacks for these uses of objects, ``None`` if unknown."""
        scopes = await self._granted()
        if scopes is None:
            return None
        return tuple(sorted({rights.scope(use, object) for use, object in uses} - scopes))

    async def _granted(self) -> frozenset[str] | None:
        signed = await self._transport.auth.headers()
        token = signed["authorization"].removeprefix("Bearer ")
        return await rights.granted(self._transport.send, self.name, self._options, token)

    async def unusable(self, object: str, ids: Mapping[str, str]) -> Mapping[str, str]:
        """Returns owners that are not there or not active; HubSpot has no other ids in properties."""
        del object
        owner = ids.get(rights.OWNER, "")
        why = await rights.unusable_owner(self._transport.send, self.name, self._options, owner) if owner else ""
        return {rights.OWNER: why} if why else {}

    def missing(self, object: str, properties: Mapping[str, Property]) -> tuple[str, ...]:
        """Returns our external id, when the portal lacks it or does not keep it unique."""
        if object not in self._calls:
            return ()
        held = properties.get(self._options.external_id)
        return () if held is not None and held.unique else (self._options.external_id,)

    async def setup(self, object: str, names: Sequence[str]) -> str:
        """Create the properties and report the result; one that exists already is accepted."""
        lines = []
        for name in names:
            definition = records.definition(name, self._options.external_id, _GROUPS[object])
            reply = await self._send(self._of(object).define, json=definition)
            lines.append(f"{object}: {name} {'was there already' if reply.status == 409 else 'created'}")
        self._schemas.pop(object, None)
        return "\n".join(lines)

    async def now(self) -> int:
        """Returns the portal's clock (ms), never ahead of it: its last ``Date`` plus the time since."""
        vendor_ms, at = self._vendor_time
        if not vendor_ms or self._clock() - at > CLOCK_S:
            await self._send(self._calls["contact"].property, path={"name": MODIFIED["contact"]})  # no portal lacks it
            vendor_ms, at = self._vendor_time
        if not vendor_ms:
            raise ContractError(self.name, "now", "date")
        return vendor_ms + int((self._clock() - at) * 1000)

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _of(self, object: str) -> Calls:
        try:
            return self._calls[object]
        except KeyError:
            hint = f"HubSpot has contacts and companies here, no {object}"
            raise AccessError(self.name, "objects", code="OBJECT", hint=hint) from None

    async def _send(
        self,
        operation: Operation,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | int | None] | None = None,
        json: object = None,
    ) -> Reply:
        reply = await self._transport.send(operation, path=path, query=query, json=json)
        self._timed(reply)
        return reply

    def _timed(self, reply: Reply) -> None:
        if vendor_ms := server_time(reply):
            self._vendor_time = (vendor_ms, self._clock())

    async def _schema(self, object: str) -> Mapping[str, Property]:
        until, schema = self._schemas.get(object, (0.0, {}))
        return schema if self._clock() < until else await self.properties(object)

    async def _shown(self, watched: Watched, *, fresh: bool = False) -> Watched:
        """Returns the watched properties that the portal has.

        HubSpot leaves unknown ones out without a word: a property that is gone would look like a gap everywhere.

        Raises:
            AccessError: one does not exist that nothing is asked without.
        """
        schema = await (self.properties if fresh else self._schema)(watched.object)
        if not watched.names - watched.optional <= schema.keys():
            schema = await self.properties(watched.object)
        lost = watched.names - schema.keys()
        if needed := sorted(lost - watched.optional):
            hint = f"the portal has no {watched.object} property {', '.join(needed)}: create it or change the mapping"
            raise AccessError(self.name, "properties.list", code=LOST, hint=hint)
        return watched.without(lost) if lost else watched
