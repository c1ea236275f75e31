"""Makes the calls one org takes, each as a value of ours: schema, queries, updates.

Keeps the schema and the org's clock.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

from pydantic import TypeAdapter

from connectors.bodies import ManyListed
from connectors.errors import AccessError, ContractError, NotFoundError
from connectors.limits import Ticket
from connectors.models import Property, Record, Reply
from connectors.operations import Operation, Repeat
from connectors.replies import json_of, parsed, server_time
from connectors.salesforce import records, soql
from connectors.salesforce.ids import known_id
from connectors.salesforce.records import TABLES, Describe, QueryPage, Schema, Version
from connectors.salesforce.tokens import Tokens
from connectors.salesforce.wire import Call, Lines
from connectors.transport import Transport

HISTORY = ("Field", "NewValue", "CreatedById", "CreatedDate")
SCHEMA_S = 600.0  # how long an object's describe is believed
CLOCK_S = 60.0
IDS = 200  # ids a query asks for at once
PAGES_MOST = 1000  # of one such query; a page may hold as few rows as the org likes

VERSIONS = Operation("versions", "GET", "/services/data/", Repeat.SAFE)  # costs none of the day's calls
LIMITS = Operation("limits", "GET", "/limits", Repeat.SAFE, misses=frozenset({403}))
DESCRIBE = Operation("describe", "GET", "/sobjects/{table}/describe", Repeat.SAFE)
QUERY = Operation("query", "GET", "/query", Repeat.SAFE)
QUERY_ALL = Operation("queryAll", "GET", "/queryAll", Repeat.SAFE)
MORE = Operation("query.more", "GET", "/query/{locator}", Repeat.SAFE)
_SPLIT = frozenset({400, 413})  # read by us: a refused batch is split
UPDATE = Operation("collections.update", "PATCH", "/composite/sobjects", Repeat.UPDATES, misses=_SPLIT)
COMPOSITE = Operation("composite", "POST", "/composite", Repeat.UPDATES, misses=_SPLIT)
UPSERT = Operation("sobject.upsert", "PATCH", "/sobjects/{table}/{field}/{value}", Repeat.CREATES)
DELETE = Operation("collections.delete", "DELETE", "/composite/sobjects", Repeat.SAFE, misses=frozenset({400}))
CREATE = Operation("sobject.create", "POST", "/sobjects/{table}", Repeat.CREATES)


_ROWS, _DESCRIBE, _VERSIONS = TypeAdapter(QueryPage), TypeAdapter(Describe), TypeAdapter(ManyListed[Version])


class Org:
    """Sends one org's calls by ``Lines``, under the rules of ``Transport``."""

    def __init__(
        self,
        name: str,
        api_version: str,
        transport: Transport,
        tokens: Tokens,
        lines: Lines,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self._api_version = name, api_version
        self._transport, self._tokens, self._lines, self._clock = transport, tokens, lines, clock
        self._schemas: dict[str, tuple[float, Schema]] = {}
        self._hidden: dict[str, float] = {}  # tables that are not shown, and until when that is believed
        self._vendor_time = (0, 0.0)  # the vendor's ms, our clock when it came

    async def now(self) -> int:
        """Returns the org's clock (ms), never ahead of it: its last ``Date`` plus the time since, in whole seconds.

        The org's stamps have whole seconds: what changes in the second that begins here is stamped with its beginning.
        """
        vendor_ms, at = self._vendor_time
        if not vendor_ms or self._clock() - at > CLOCK_S:
            await self.send(VERSIONS, VERSIONS.path)
            vendor_ms, at = self._vendor_time
        if not vendor_ms:
            raise ContractError(self.name, "now", "date")
        return vendor_ms + int(self._clock() - at) * 1000

    async def schema(self, object: str, *, fresh: bool = False) -> Schema:
        """Returns the object as this credential sees it; read again after ten minutes, or now."""
        return await self._table(self.table(object), fresh=fresh)

    async def _table(self, table: str, *, fresh: bool = False) -> Schema:
        until, schema = self._schemas.get(table, (0.0, Schema()))
        if fresh or self._clock() >= until:
            reply = await self._described(table)
            schema = records.to_schema(parsed(_DESCRIBE, reply, self.name, DESCRIBE.name))
            self._schemas[table] = (self._clock() + SCHEMA_S, schema)
        return schema

    async def related(self, object: str, names: Iterable[str]) -> dict[str, Property]:
        """Returns fields of parents by their dotted names, such as ``RecordType.DeveloperName``.

        Unknown ones are left out.

        Of a relation that leads to several tables the first that is shown speaks, users before queues.
        """
        found: dict[str, Property] = {}
        for name in names:
            *steps, last = name.split(".")
            schema = await self.schema(object)
            for step in steps:
                schema = await self._parent(schema.relations.get(step, ()))
            if last in schema.properties and last in schema.filterable:
                found[name] = schema.properties[last]
        return found

    async def _parent(self, tables: Sequence[str]) -> Schema:
        for table in sorted(tables, key=lambda one: one != "User"):  # an owner is a user far more often than a queue
            with contextlib.suppress(AccessError):
                return await self._table(table)
        return Schema()

    async def unusable(self, object: str, ids: Mapping[str, str]) -> dict[str, str]:
        """Lists ids that a new row cannot be given and why, both by field: gone, inactive, of another object."""
        schema = await self.schema(object)
        wrong = {}
        for name, id in ids.items():
            why = "" if known_id(id) else "it is not a record's id"
            why = why or ("it is not available to our user" if known_id(id) in schema.unavailable else "")
            if why := why or await self._unusable(object, schema.references.get(name, ()), id):
                wrong[name] = why
        return wrong

    async def _unusable(self, object: str, tables: Sequence[str], id: str) -> str:
        for table in tables:
            held = (await self._parent([table])).properties
            if "Id" not in held:
                continue  # a table that is hidden from us tells nothing
            asked = ("Id", *(name for name in ("IsActive", "SobjectType") if name in held))
            for row in await self.rows(soql.select(asked, table, [f"Id = {soql.quoted(id)}"]), QUERY):
                if row.get("IsActive") is False:
                    return "it is not active"
                of_another = "SobjectType" in asked and row.get("SobjectType") != self.table(object)
                return "it is of another object" if of_another else ""
        return "no such row is shown to us"

    async def _described(self, table: str) -> Reply:
        try:
            return await self.send(DESCRIBE, f"sobjects/{table}/describe")
        except NotFoundError as hidden:
            hint = f"the org shows no object {table}: give the user read access to it, or check api_version"
            raise AccessError(self.name, DESCRIBE.name, hidden.status, code=hidden.code, hint=hint) from hidden

    async def newest_version(self) -> str:
        """Returns the newest API version the org answers.

        Raises:
            AccessError: the configured one is not among those it answers.
        """
        listed = parsed(_VERSIONS, await self.send(VERSIONS, VERSIONS.path), self.name, VERSIONS.name)
        answered = {item.version: tuple(map(int, item.version.split("."))) for item in listed}
        newest = max(answered, key=lambda version: answered[version], default="")
        if self._api_version not in answered:
            hint = f"the org answers no API version {self._api_version}: set crm.{self.name}.api_version to {newest}"
            raise AccessError(self.name, VERSIONS.name, code="UNSUPPORTED_API_VERSION", hint=hint)
        return newest

    def seen_schema(self, object: str) -> Schema | None:
        """Returns the schema as it was last read, however long ago."""
        held = self._schemas.get(self.table(object))
        return held[1] if held else None

    def table(self, object: str) -> str:
        """Returns Salesforce's name of our word ``object``."""
        try:
            return TABLES[object]
        except KeyError:
            raise AccessError(self.name, "objects", code="OBJECT", hint=f"there is no object {object} here") from None

    async def send(
        self,
        operation: Operation,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        ticket: Ticket | None = None,
    ) -> Reply:
        call = Call(operation.method, path, params, json, headers)

        async def attempt() -> Reply:
            signed = await self._tokens.headers()
            token = signed["authorization"].removeprefix("Bearer ")
            within_s = self._transport.fresh(operation) if operation.repeat is Repeat.UPDATES else inf
            return await self._lines.exchange(call, self._tokens.instance, token, within_s)

        reply = await self._transport.run(operation, attempt, ticket=ticket)
        if vendor_ms := server_time(reply):
            self._vendor_time = (vendor_ms, self._clock())
        return reply

    def json(self, reply: Reply, operation: Operation) -> Any:
        try:
            return json_of(reply.body)
        except ValueError:
            raise ContractError(self.name, operation.name, "", reply.status) from None

    @property
    def read_at(self) -> int:
        """Returns the org's time (ms) of its last reply."""
        return self._vendor_time[0]

    async def rows(self, query: str, operation: Operation) -> list[Mapping[str, Any]]:
        reply = await self.send(operation, operation.name, params={"q": query})
        rows = parsed(_ROWS, reply, self.name, operation.name)
        found: list[Mapping[str, Any]] = [*rows.records]
        passed = set[str]()
        while not rows.done:
            path = soql.more_path(rows.nextRecordsUrl or "")
            if not path or not rows.records or path in passed or len(passed) >= PAGES_MOST:
                raise ContractError(self.name, MORE.name, "nextRecordsUrl")
            passed.add(path)
            rows = parsed(_ROWS, await self.send(MORE, path), self.name, MORE.name)
            found += rows.records
        return found

    async def ids_in(
        self, object: str, fields: Sequence[str], ids: Sequence[str], operation: Operation
    ) -> list[Mapping[str, Any]]:
        def query(part: Sequence[str]) -> str:
            literals = [soql.quoted(one) for one in part]
            return soql.select(fields, TABLES[object], [soql.one_of("Id", literals)])

        good = [known for one in ids if (known := known_id(one))]
        rows: list[Mapping[str, Any]] = []
        for part in soql.chunked(good, query, IDS):
            rows += await self.rows(query(part), operation)
        return rows

    async def field_history(self, object: str, ids: Sequence[str], names: Sequence[str]) -> list[Mapping[str, Any]]:
        """Returns the lines that the org keeps of tracked fields, unordered; empty if it tracks none for us."""
        table, parent = f"{TABLES[object]}History", f"{TABLES[object]}Id"
        if not names or self._clock() < self._hidden.get(table, 0.0):
            return []
        try:
            await self._table(table)
        except AccessError:
            self._hidden[table] = self._clock() + SCHEMA_S
            return []
        fields = [soql.quoted(one) for one in sorted(names)]

        def query(part: Sequence[str]) -> str:
            where = [soql.one_of(parent, [soql.quoted(one) for one in part]), soql.one_of("Field", fields)]
            return soql.select(("Id", parent, *HISTORY), table, where)

        rows: list[Mapping[str, Any]] = []
        for part in soql.chunked([known for one in ids if (known := known_id(one))], query, IDS):
            rows += await self.rows(query(part), QUERY)
        return rows

    async def children(self, table: str, field: str, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Returns the rows of a table whose ``field`` is one of ``ids``; none of a table that is hidden from us."""
        if self._clock() < self._hidden.get(table, 0.0):
            return []
        try:
            if field not in (await self._table(table)).properties:
                return []
        except AccessError:
            self._hidden[table] = self._clock() + SCHEMA_S
            return []

        def query(part: Sequence[str]) -> str:
            where = [soql.one_of(field, [soql.quoted(one) for one in part]), "IsDeleted = false"]
            return soql.select(("Id", field), table, where)

        rows: list[Mapping[str, Any]] = []
        for part in soql.chunked(list(ids), query, IDS):
            rows += await self.rows(query(part), QUERY)
        return rows

    async def by_ids(self, object: str, asked: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        rows = await self.ids_in(object, asked, ids, QUERY)
        read_at = self.read_at
        return {str(row.get("Id")): records.to_record(object, row, asked, read_at) for row in rows}
