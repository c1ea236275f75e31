"""Knows one Salesforce org: its account, its schema, its clock and our user's rights.

Source: the REST API v66.0 and simple-salesforce 1.12, read and tried 2026-11-20.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Self, TypeVar

from connectors.errors import LOST, AccessError
from connectors.limits import Limiter, Window
from connectors.models import AccountStatus, Lacks, Need, Property, Use
from connectors.oauth import GrantStore
from connectors.ports import Watched
from connectors.salesforce import records, sign_in, writing
from connectors.salesforce.definitions import field_definitions
from connectors.salesforce.ids import known_id
from connectors.salesforce.options import CONCURRENCY, DAILY, RESERVE, SalesforceOptions
from connectors.salesforce.org import DESCRIBE, LIMITS, Org
from connectors.salesforce.records import TABLES, Schema
from connectors.salesforce.refusals import MAPPING, reading
from connectors.salesforce.tokens import Tokens, check
from connectors.salesforce.wire import Lines
from connectors.transport import ConnectionTerms, NoAuth, Transport

Result = TypeVar("Result")


class SalesforceAccount:
    """Signs in to one org, and remembers its properties."""

    def __init__(
        self,
        name: str,
        options: SalesforceOptions,
        transport: Transport,
        tokens: Tokens,
        lines: Lines,
        *,
        also: Sequence[Transport] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keeps the connections; ``also`` is closed with them."""
        self.name = name
        ours = Window(int(DAILY.calls * (1 - RESERVE)), DAILY.seconds)
        self.buckets: Mapping[str, tuple[Window, ...]] = {name: (ours,)}
        self._options, self._tokens = options, tokens
        allowed = {"Sforce-Duplicate-Rule-Header": "allowSave=true"} if options.duplicate_rule == "allow" else {}
        self._creating = {**writing.NO_ASSIGNMENT, **allowed}
        self._lines, self._transports = lines, (transport, *also)
        self.clock = transport.clock
        self._org = Org(name, options.api_version, transport, tokens, self._lines, clock)

    @classmethod
    def opened(
        cls,
        name: str,
        options: SalesforceOptions,
        limiter: Limiter,
        *,
        grants: GrantStore | None = None,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        connect_s: float = 10.0,
        read_s: float = 60.0,
    ) -> Self:
        """Returns an org with its own login. ``grants`` keeps the grants of a refresh token.

        Raises:
            ValueError: a secret of ``auth`` is missing, or an address will not do.
        """
        check(name, options)
        login = options.login_base or options.base_url
        logins = Transport(
            name,
            login,
            NoAuth(),
            limiter,
            reading=sign_in.reading(name),
            terms=ConnectionTerms(connect_s, read_s, most=1),
        )
        tokens = Tokens(name, options, logins, grants, rest=rest)
        how = reading(name, RESERVE, options.api_version)
        transport = Transport(
            name, options.base_url, tokens, limiter, reading=how, terms=ConnectionTerms(most=CONCURRENCY)
        )
        lines = Lines(name, options.api_version, connect_s, read_s)
        return cls(name, options, transport, tokens, lines, also=(logins,))

    @property
    def user_id(self) -> str:
        """Returns the user of our writes; ``""`` before the first call."""
        return self._tokens.user_id

    async def aclose(self) -> None:
        """Close connections; a call under way in a thread is not waited for, a sign-in is."""
        await self._tokens.aclose()
        self._lines.close()
        for transport in self._transports:
            await transport.aclose()

    async def account(self) -> str:
        """Returns the org that our login led to."""
        await self._tokens.headers()
        return known_id(self._tokens.org_id)

    async def account_status(self) -> AccountStatus:
        """Returns our user, the API version answered, and what is left of the day where this user may see it.

        Raises:
            AccessError: the org does not answer the configured version.
        """
        newest = await self._org.newest_version()
        limits = await self._org.send(LIMITS, "limits")
        by_name = self._org.json(limits, LIMITS) if limits.status == 200 else {}
        daily = by_name.get("DailyApiRequests", {}) if isinstance(by_name, Mapping) else {}
        known = isinstance(daily, Mapping) and isinstance(daily.get("Max"), int)
        left = (f"{daily.get('Remaining')} of {daily['Max']} API calls left today",) if known else ()
        notes = (*left, f"{self._options.api_version} is the API version used, {newest} the org's newest")
        return AccountStatus(who=self._tokens.org_id or self.name, notes=notes)

    async def properties(self, object: str) -> Mapping[str, Property]:
        """Returns the object as this credential sees it, read again."""
        return (await self._org.schema(object, fresh=True)).properties

    async def related(self, object: str, names: Sequence[str]) -> Mapping[str, Property]:
        """Returns fields of parents by their dotted names."""
        return await self._org.related(object, [name for name in names if "." in name])

    def needs(self, object: str) -> tuple[Need, ...]:
        """Returns consent, and the employer as the record or its account tells."""
        return records.NEEDS.get(object, ())

    async def lacks(self, object: str) -> Lacks:
        schema, table = await self._org.schema(object), TABLES[object]
        return Lacks(
            "" if schema.updateable else f'give the user the right "Edit" on {table}',
            "" if schema.createable else f'give the user the right "Create" on {table}',
        )

    async def ungranted(self, uses: Collection[tuple[Use, str]]) -> tuple[str, ...] | None:
        """Returns nothing: an org grants rights to a user, object by object and field by field (``lacks``)."""
        del uses
        return None

    async def unusable(self, object: str, ids: Mapping[str, str]) -> Mapping[str, str]:
        """Returns owners, record types and other rows that are not there, not active or not for this object."""
        return await self._org.unusable(object, ids)

    def missing(self, object: str, properties: Mapping[str, Property]) -> tuple[str, ...]:
        """Returns our external id, when the org lacks it or does not keep it unique."""
        held = properties.get(self._options.external_id)
        return () if object not in TABLES or (held is not None and held.unique) else (self._options.external_id,)

    async def setup(self, object: str, names: Sequence[str]) -> str:
        """Returns the field definitions to deploy: the data API creates no fields."""
        self._org.table(object)
        return field_definitions(object, names, self._options.external_id, self._options.api_version)

    async def now(self) -> int:
        return await self._org.now()

    def seen(self, object: str) -> Mapping[str, Property] | None:
        """Returns the object as this credential last saw it."""
        held = self._org.seen_schema(object)
        return held.properties if held else None

    async def _asked(self, watched: Watched, ask: Callable[[Watched, Schema], Awaitable[Result]]) -> Result:
        """Asks for what the org shows of what is watched; once more after a look, where a field was refused.

        Raises:
            AccessError: a field that nothing is asked without does not exist, or is hidden from this user.
        """
        try:
            return await ask(*await self._shown(watched))
        except AccessError as refused:
            if refused.code not in MAPPING:
                raise
            return await ask(*await self._shown(watched, fresh=True))

    async def _shown(self, watched: Watched, *, fresh: bool = False) -> tuple[Watched, Schema]:
        dotted = {name for name in watched.names if "." in name}
        needed = watched.names - watched.optional
        schema = await self._org.schema(watched.object, fresh=fresh)
        if not needed - dotted <= schema.properties.keys():
            schema = await self._org.schema(watched.object, fresh=True)
        schema = schema.extended(await self._org.related(watched.object, sorted(dotted)))
        if lost := sorted(needed - schema.properties.keys()):
            hint = f"the org shows no {watched.object} field {', '.join(lost)}: create, grant or map it anew"
            raise AccessError(self.name, DESCRIBE.name, code=LOST, hint=hint)
        return watched.without(watched.names - schema.properties.keys()), schema
