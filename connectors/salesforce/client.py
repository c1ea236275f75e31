"""Reads and writes one Salesforce org as a system of record.

Source: the REST API v66.0 and simple-salesforce 1.12, read and tried 2026-11-20.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from connectors.classify import parsed, server_time
from connectors.errors import AccessError, ConnectorError, ContractError, RejectedError, UnavailableError
from connectors.limits import Limiter, NoLimiter, Ticket, Window, slots_ahead
from connectors.models import (
    AccountStatus,
    Company,
    Cursor,
    Edit,
    Fate,
    Found,
    Lacks,
    Need,
    Page,
    Property,
    Record,
    Reply,
    Use,
    Write,
    Writer,
    WriteResult,
    Written,
)
from connectors.oauth import GrantStore
from connectors.ports import Edits, Reader, Watched
from connectors.salesforce import keyset, records, sign_in, soql, writing
from connectors.salesforce.definitions import field_definitions
from connectors.salesforce.ids import is_id, known_id
from connectors.salesforce.options import CONCURRENCY, DAILY, OVERLAP_S, PROVENANCE, RESERVE, SalesforceOptions
from connectors.salesforce.org import COMPOSITE, CREATE, DELETE, DESCRIBE, LIMITS, QUERY, QUERY_ALL, UPDATE, UPSERT, Org
from connectors.salesforce.records import TABLES, CreateAnswer, QueryPage, Schema
from connectors.salesforce.refusals import reading
from connectors.salesforce.tokens import Tokens, check
from connectors.salesforce.wire import Lines
from connectors.transport import NoAuth, Transport
from connectors.wanted import wanted

BATCH = 200
FINDS = 50  # values a find asks for at once
CHAIN = 5  # merges followed from one lost row

_ROWS, _CREATED = TypeAdapter(QueryPage), TypeAdapter(CreateAnswer)


class Salesforce:
    """Reads and writes contacts, leads and accounts of one org. Implements ``ports.Crm``."""

    kind = "salesforce"
    batch = BATCH
    keeps_history = False  # an administrator chooses fields to be tracked, twenty of an object at most
    search_batch = FINDS
    index_lag_ms = 0  # a query sees what is committed
    provenance = PROVENANCE

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
    ) -> Salesforce:
        """Returns an org with a login of its own. ``grants`` keeps what a refresh token was traded for.

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
            connections=1,
            connect_s=connect_s,
            read_s=read_s,
        )
        tokens = Tokens(name, options, logins, grants, rest=rest)
        how = reading(name, RESERVE, options.api_version)
        transport = Transport(name, options.base_url, tokens, limiter, reading=how, connections=CONCURRENCY)
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

    # ---- schema and account -------------------------------------------------------------------------------------

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
        """Returns the object as this credential sees it, read anew."""
        return (await self._org.schema(object, fresh=True)).properties

    async def related(self, object: str, names: Sequence[str]) -> Mapping[str, Property]:
        """Returns fields of parents by their dotted names."""
        return await self._org.related(object, [name for name in names if "." in name])

    def needs(self, object: str) -> tuple[Need, ...]:
        """Returns consent, and the employer as the record or its account tells."""
        return records.NEEDS.get(object, ())

    async def lacks(self, object: str) -> Lacks:
        """Reads what describe says of the object as a whole."""
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
        """Returns the org's clock (ms)."""
        return await self._org.now()

    # ---- watch ---------------------------------------------------------------------------------------------------

    async def changed(self, watched: Watched, cursor: Cursor) -> Page:
        """Returns the next page in the order of (SystemModstamp, Id), up to the time the pass began.

        The next pass starts ``overlap_s`` before this one's end: a row that is committed late carries an old stamp.
        """
        schema = await self._known(watched)
        at = keyset.opened(cursor, 0 if cursor.end else await self.now())
        where = [soql.beyond(at.stamp, at.id), f"SystemModstamp <= {soql.moment(at.end)}"]
        tail = f"ORDER BY SystemModstamp ASC, Id ASC LIMIT {soql.PAGE}"
        page, full, time_ms = await self._page(watched, schema, where, tail)
        last = (page[-1].modified, page[-1].id) if page else None
        try:
            onward = keyset.stepped(at, last, full, OVERLAP_S * 1000)
        except ValueError:
            raise ContractError(self.name, QUERY.name, "SystemModstamp") from None
        return Page(tuple(r for r in page if wanted(watched, r)), onward, not full, time_ms)

    async def walk(self, watched: Watched, after: str) -> Page:
        """Returns the next page of all records in id order."""
        schema = await self._known(watched)
        where = [f"Id > {soql.quoted(after)}"] if after else []
        page, full, time_ms = await self._page(watched, schema, where, f"ORDER BY Id ASC LIMIT {soql.PAGE}")
        if full and page[-1].id == after:
            raise ContractError(self.name, QUERY.name, "Id")
        kept = tuple(record for record in page if wanted(watched, record))
        return Page(kept, Cursor(id=page[-1].id if page else after), not full, time_ms)

    async def _page(
        self, watched: Watched, schema: Schema, where: Sequence[str], tail: str
    ) -> tuple[list[Record], bool, int]:
        """Returns (rows, whether there may be more, vendor time). A page cut short by the server is a full one."""
        asked = records.asked_for(watched, schema)
        query = soql.select(asked, TABLES[watched.object], [*where, *self._selection(watched, schema)], tail)
        if soql.encoded_length(query) > soql.URI_CAP:
            query = soql.select(asked, TABLES[watched.object], [*where, *_alive(watched.object)], tail)
        reply = await self._org.send(QUERY, "query", params={"q": query})
        rows = parsed(_ROWS, reply, self.name, QUERY.name)
        time_ms = server_time(reply)
        page = [records.to_record(watched.object, raw, asked, time_ms) for raw in rows.records]
        if not rows.done and not page:
            raise UnavailableError(self.name, QUERY.name, code="empty_page")
        return page, not rows.done or len(page) >= soql.PAGE, time_ms

    def _selection(self, watched: Watched, schema: Schema) -> list[str]:
        """Builds the part of the selection that the org can test itself; the rest is tested here."""
        where = _alive(watched.object)
        for name, values in watched.where.items():
            known = schema.properties.get(name)
            if name in schema.filterable and known is not None and known.kind not in {"date", "datetime"}:
                where.append(soql.one_of(name, [soql.literal(value, known.kind) for value in values]))
        if watched.gaps and all(name in schema.filterable for name in watched.gaps):
            where.append(soql.any_blank(watched.gaps))
        return where

    # ---- read and write ------------------------------------------------------------------------------------------

    async def read(self, watched: Watched, ids: Sequence[str]) -> Mapping[str, Found]:
        """Returns every id found, moved to what it was merged or converted into, or gone."""
        asked = records.asked_for(watched, await self._known(watched))
        rows = await self._org.by_ids(watched.object, asked, ids)
        found: dict[str, Found] = {}
        for one in ids:
            record = rows.get(known_id(one))
            if record is not None:
                found[one] = _fate(watched.object, record)
        lost = [one for one in ids if one not in found]
        found |= await self._lost(watched.object, asked, lost) if lost else {}
        return found

    async def _lost(self, object: str, asked: Sequence[str], ids: Sequence[str]) -> Mapping[str, Found]:
        """Tells what became of rows that a plain query does not show. Deleted rows can be seen for fifteen days."""
        ends = {one: known_id(one) for one in ids}
        seen: dict[str, Mapping[str, Any]] = {}
        survivors: dict[str, Record] = {}
        for _ in range(CHAIN):
            unknown = [end for end in ends.values() if end not in seen and end not in survivors]
            if not unknown:
                break
            rows = await self._org.ids_in(object, ("Id", "IsDeleted", "MasterRecordId"), unknown, QUERY_ALL)
            seen |= {end: {} for end in unknown} | {str(row.get("Id")): row for row in rows}
            ends = {one: _last_master(end, seen) for one, end in ends.items()}
            masters = [end for end in ends.values() if end not in seen and end not in survivors]
            survivors |= await self._org.by_ids(object, asked, masters) if masters else {}
        found: dict[str, Found] = {}
        for one, end in ends.items():
            survivor, row = survivors.get(end), seen.get(end, {})
            if survivor is not None:
                fate = _fate(object, survivor)
                found[one] = fate if fate.fate is Fate.MOVED else Found(Fate.MOVED, survivor, survivor.id, object)
            else:  # a live row that a plain query did not show a moment ago: ask again
                found[one] = Found(Fate.UNKNOWN if row.get("IsDeleted") is False else Fate.GONE)
        return found

    async def write(self, object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        """Update by id: Collections, or with ``strict`` conditional updates that meet ``Write.seen``, 25 in a call."""
        schema = self._org.seen_schema(object) or await self._org.schema(object)  # no call between read and write

        async def collection(part: Sequence[Write]) -> Reply:
            body = writing.collection_body(object, part, schema)
            return await self._org.send(UPDATE, "composite/sobjects", json=body, headers=writing.NO_ASSIGNMENT)

        async def composite(part: Sequence[Write]) -> Reply:
            body = writing.composite_body(object, part, schema, self._options.api_version)
            return await self._org.send(COMPOSITE, "composite", json=body, headers=writing.NO_ASSIGNMENT)

        def read(part: Sequence[Write], reply: Reply) -> writing.Results:
            answer = self._org.json(reply, COMPOSITE if strict else UPDATE)
            return (writing.read_composite if strict else writing.read_collection)(self.name, part, answer)

        strict = self._options.strict
        results = {
            write.id: WriteResult(Written.DONE if is_id(write.id) else Written.GONE)
            for write in writes
            if not write.values or not is_id(write.id)
        }
        good = [write for write in writes if write.id not in results]
        size = writing.CONDITIONAL_ROWS if strict else writing.ROWS
        results |= await writing.written(good, size, composite if strict else collection, read)
        return results

    async def attached(self, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Returns contacts, opportunities, cases and child accounts of each account, as far as our user sees them.

        The org deletes an account's rows with it.
        """
        found: dict[str, set[str]] = {one: set() for one in ids}
        asked = {known_id(one): one for one in ids if is_id(one)}
        for table, field in records.AT_COMPANY:
            for row in await self._org.children(table, field, list(asked)):
                found[asked[known_id(str(row.get(field)))]].add(str(row.get("Id")))
        return {one: frozenset(rows) for one, rows in found.items()}

    async def archive(self, object: str, ids: Sequence[str]) -> frozenset[str]:
        """Moves rows to the recycle bin, each by itself; deleting one again says only that it is deleted."""
        del object
        good = [one for one in ids if is_id(one)]
        params = {"ids": ",".join(good), "allOrNone": "false"}
        reply = await self._org.send(DELETE, "composite/sobjects", params=params)
        rows = self._org.json(reply, DELETE)
        if not isinstance(rows, list) or len(rows) != len(good):
            raise ContractError(self.name, DELETE.name, "length")
        return frozenset(one for one, row in zip(good, rows, strict=True) if _is_away(row))

    async def history(
        self, object: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]]:
        """Returns nothing: field history is an option of the org and keeps no e-mail."""
        del object, ids, properties
        return {}

    async def edits(self, object: str, ids: Sequence[str], properties: Sequence[str]) -> Edits:
        """Returns the newest line of field history, by id, of those properties that the org tracks and has lines of."""
        found: dict[str, dict[str, Edit]] = {one: {} for one in ids}
        rows = await self._org.field_history(object, ids, properties)
        newest: dict[tuple[str, str], Mapping[str, Any]] = {}
        for row in sorted(rows, key=lambda one: (str(one.get("CreatedDate")), str(one.get("Id")))):
            newest[str(row.get(f"{TABLES[object]}Id")), str(row.get("Field"))] = row
        for one in ids:
            for name in properties:
                if line := newest.get((known_id(one), name)):
                    by = Writer.INTEGRATION if self.is_ours(str(line.get("CreatedById"))) else Writer.PERSON
                    at = records.milliseconds(str(line.get("CreatedDate")))
                    found[one][name] = Edit(by, at, cleared=not line.get("NewValue"))
        return found

    def is_ours(self, writer: str) -> bool:
        """Tells whether our user wrote it."""
        return bool(self.user_id) and writer == self.user_id

    async def ours(self, object: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Returns all of ``properties`` of rows we wrote last, else none.

        The org tells a row's writer, not a field's.
        """
        rows = await self._org.ids_in(object, ("Id", "LastModifiedById"), ids, QUERY)
        mine = {str(row.get("Id")) for row in rows if self.is_ours(str(row.get("LastModifiedById")))}
        return {one: frozenset(properties) for one in ids if known_id(one) in mine}

    async def companies(self, ids: Sequence[str]) -> Mapping[str, Company]:
        """Returns the linked accounts."""
        schema = await self._org.schema("company")
        fields = ("Id", *(name for name in records.COMPANY if name in schema.properties))
        rows = await self._org.ids_in("company", fields, ids, QUERY)
        by_id = {str(row.get("Id")): records.to_company(row) for row in rows}
        return {one: by_id[known_id(one)] for one in ids if known_id(one) in by_id}

    # ---- deliver -------------------------------------------------------------------------------------------------

    async def find(
        self, object: str, property: str, values: Sequence[str], also: Sequence[str] = (), read: Reader = str.casefold
    ) -> Mapping[str, tuple[Record, ...]]:
        """Returns records per value. An account is asked for by the host in its website."""
        schema = await self._org.schema(object)
        known = schema.properties.get(property)
        if known is None:
            hint = f"the org shows no {object} field {property}: create it or change the mapping"
            raise AccessError(self.name, DESCRIBE.name, code="INVALID_FIELD", hint=hint)
        if property not in schema.filterable:  # encrypted: nobody can look for it
            return dict.fromkeys(values, ())
        part_of = object == "company" and property == "Website"
        asked = records.asked_for(Watched(object, (property, *also)), schema)

        def query(part: Sequence[str]) -> str:
            where = [_sought(property, part, part_of, known.kind), "IsDeleted = false"]  # a converted lead is known too
            return soql.select(asked, TABLES[object], where, "ORDER BY Id ASC")

        wanted = [value for value in values if value.strip()]
        found: dict[str, Record] = {}
        for part in soql.chunked(wanted, query, FINDS):
            rows = await self._org.rows(query(part), QUERY)
            records_ = (records.to_record(object, row, asked, self._org.read_at) for row in rows)
            found |= {record.id: record for record in records_}
        return {
            value: tuple(one for one in found.values() if _holds(one.values.get(property) or "", read(value), read))
            for value in values
        }

    async def find_containing(
        self, object: str, property: str, exact: Sequence[str], parts: Sequence[str], also: Sequence[str] = ()
    ) -> tuple[Record, ...]:
        """Returns rows that contain one of the parts; a whole text is a part of itself."""
        schema = await self._org.schema(object)
        if property not in schema.filterable:
            return ()
        asked = records.asked_for(Watched(object, (property, *also)), schema)

        def query(part: Sequence[str]) -> str:
            where = " OR ".join(f"{soql.name(property)} LIKE {soql.like(text)}" for text in part)
            return soql.select(asked, TABLES[object], [f"({where})", "IsDeleted = false"], "ORDER BY Id ASC")

        found: dict[str, Record] = {}
        for part in soql.chunked(list(dict.fromkeys(parts or exact)), query, FINDS):
            rows = await self._org.rows(query(part), QUERY)
            records_ = (records.to_record(object, row, asked, self._org.read_at) for row in rows)
            found |= {record.id: record for record in records_}
        return tuple(found.values())

    async def staff(
        self, object: str, people: Sequence[tuple[str, str]], also: Sequence[str] = ()
    ) -> tuple[Record, ...]:
        """Returns contacts of the given accounts; a lead is at none."""
        schema = await self._org.schema(object)
        if object != "contact" or not {"AccountId", "LastName"} <= schema.filterable:
            return ()
        asked = records.asked_for(Watched(object, tuple(also)), schema)
        tests = [f"(AccountId = {soql.quoted(one)} AND LastName = {soql.quoted(last)})" for one, last in people]

        def query(part: Sequence[str]) -> str:
            where = [f"({' OR '.join(part)})", "IsDeleted = false"]
            return soql.select(asked, TABLES[object], where, "ORDER BY Id ASC")

        found: list[Record] = []
        for part in soql.chunked(tests, query, FINDS):
            rows = await self._org.rows(query(part), QUERY)
            found += [records.to_record(object, row, asked, self._org.read_at) for row in rows]
        return tuple(found)

    async def create(self, object: str, values: Mapping[str, str], ticket: Ticket, company_id: str = "") -> str:
        """Create one row on its ticket: by upsert when it carries our external id, so that a repeat is one row."""
        table, field = self._org.table(object), soql.name(self._options.external_id)
        try:
            schema = await self._org.schema(object)
        except ConnectorError:
            await ticket.released("schema")
            raise
        body = records.body_of(Write("", values), schema)
        if company_id and object == "contact":
            body["AccountId"] = company_id
        key = values.get(self._options.external_id, "")
        if key:
            body.pop(self._options.external_id)
            path = UPSERT.target({"table": table, "field": field, "value": key}, {}).lstrip("/")
            reply = await self._org.send(UPSERT, path, json=body, headers=self._creating, ticket=ticket)
        else:
            path = CREATE.target({"table": table}, {}).lstrip("/")
            reply = await self._org.send(CREATE, path, json=body, headers=self._creating, ticket=ticket)
        if reply.status == 204:  # an older version's word for a row that was there
            return (await self.find(object, self._options.external_id, [key]))[key][0].id
        return parsed(_CREATED, reply, self.name, (UPSERT if key else CREATE).name).id

    async def link(self, object: str, pairs: Sequence[tuple[str, str]], made: Collection[str] = ()) -> frozenset[str]:
        """Set the account of contacts that have none; one that a person chose stays.

        A contact of ours has one that a trigger gave it where the org gives each an account of its own.
        """
        if object != "contact":
            return frozenset()
        wanted = {known_id(one): known_id(other) for one, other in pairs}
        ours = {known_id(one) for one in made}
        async with slots_ahead(NoLimiter(), ()):  # its own slots; but nothing is sent on an old read
            rows = await self._org.ids_in("contact", ("Id", "AccountId"), list(wanted), QUERY)
            held = {str(row["Id"]): str(row.get("AccountId") or "") for row in rows}
            there = {one for one, account in held.items() if account == wanted[one]}
            free = [one for one, account in held.items() if one not in there and (not account or one in ours)]
            results = await self.write("contact", [Write(one, {"AccountId": wanted[one]}) for one in free])
        for result in results.values():
            if result.outcome in {Written.LOCKED, Written.UNKNOWN, Written.SPLIT, Written.CHANGED, Written.GONE}:
                raise UnavailableError(self.name, UPDATE.name, code=result.code)
            if result.outcome is not Written.DONE:
                raise RejectedError(
                    self.name,
                    UPDATE.name,
                    fields=("AccountId",),
                    code=result.code,
                    kind=result.kind,
                    words=result.words,
                )
        return frozenset(one for one, _ in pairs if known_id(one) in there or known_id(one) in results)

    # ---- calls ---------------------------------------------------------------------------------------------------

    async def _known(self, watched: Watched) -> Schema:
        """Returns the schema, sure to hold every property watched.

        Raises:
            AccessError: one of them does not exist, or is hidden from this user.
        """
        names = {*watched.properties, *watched.gaps, *watched.where, *watched.skip_if}
        dotted = {name for name in names if "." in name}
        schema = await self._org.schema(watched.object)
        if not names - dotted <= schema.properties.keys():
            schema = await self._org.schema(watched.object, fresh=True)
        schema = schema.extended(await self._org.related(watched.object, sorted(dotted)))
        if lost := sorted(names - schema.properties.keys()):
            hint = f"the org shows no {watched.object} field {', '.join(lost)}: create, grant or map it anew"
            raise AccessError(self.name, DESCRIBE.name, code="INVALID_FIELD", hint=hint)
        return schema


def _alive(object: str) -> list[str]:
    """Returns rows that are there: neither deleted nor, for leads, converted."""
    return ["IsDeleted = false", *(["IsConverted = false"] if object == "lead" else [])]


def _sought(property: str, values: Sequence[str], part_of: bool, kind: str) -> str:
    """Returns the test for rows that may hold one of ``values``, or an address that one of them is part of."""
    if part_of:
        return "(" + " OR ".join(f"{soql.name(property)} LIKE {soql.like(value)}" for value in values) + ")"
    forms = dict.fromkeys(form for value in values for form in (value.strip(), value.strip().lower()))
    return soql.one_of(property, [soql.literal(form, kind) for form in forms])


def _holds(held: str, value: str, read: Reader) -> bool:
    return bool(value) and read(held.strip()) == value


def _last_master(row_id: str, seen: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the end of a chain of merges, as far as its rows were seen."""
    for _ in range(CHAIN):
        master = seen.get(row_id, {}).get("MasterRecordId")
        if not isinstance(master, str) or not master:
            break
        row_id = known_id(master)
    return row_id


def _fate(object: str, record: Record) -> Found:
    """Returns a row found, or a lead that has become a contact."""
    contact = record.values.get("ConvertedContactId")
    if object == "lead" and record.values.get("IsConverted") == "true":
        return Found(Fate.MOVED, None, contact, "contact") if contact else Found(Fate.GONE)
    return Found(Fate.FOUND, record)


def _is_away(row: Any) -> bool:
    """Tells whether a row was deleted, by this call or before."""
    if not isinstance(row, Mapping):
        return False
    return row.get("success") is True or any(
        isinstance(one, Mapping) and one.get("statusCode") == "ENTITY_IS_DELETED" for one in row.get("errors") or ()
    )
