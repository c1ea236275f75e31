"""Reads and writes one Salesforce org as a system of record.

Source: the REST API v66.0 and simple-salesforce 1.12, read and tried 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from pydantic import TypeAdapter

from connectors.errors import (
    AccessError,
    ConnectorError,
    ContractError,
    CrmWord,
    RejectedError,
    UnavailableError,
    lost_key,
)
from connectors.limits import NoLimiter, Ticket, slots_ahead
from connectors.models import (
    Company,
    Cursor,
    Edit,
    Fate,
    Found,
    Page,
    Record,
    Reply,
    Write,
    Writer,
    WriteResult,
    Written,
)
from connectors.ports import Edits, Reader, Watched
from connectors.replies import parsed, server_time
from connectors.salesforce import keyset, records, soql, writing
from connectors.salesforce.account import Result, SalesforceAccount
from connectors.salesforce.ids import is_id, known_id
from connectors.salesforce.options import OVERLAP_S, PROVENANCE
from connectors.salesforce.org import COMPOSITE, CREATE, DELETE, QUERY, QUERY_ALL, UPDATE, UPSERT
from connectors.salesforce.records import TABLES, CreateAnswer, QueryPage, Schema
from connectors.salesforce.refusals import MAPPING
from connectors.wanted import wanted

BATCH = 200
FINDS = 50  # values a find asks for at once

_FIND = replace(QUERY, by_values=True)
_ROWS, _CREATED = TypeAdapter(QueryPage), TypeAdapter(CreateAnswer)


class Salesforce(SalesforceAccount):
    """Reads and writes contacts, leads and accounts of one org. Implements ``ports.Crm``."""

    kind = "salesforce"
    batch = BATCH
    keeps_history = False  # an administrator chooses fields to be tracked, twenty of an object at most
    search_batch = FINDS
    index_lag_ms = 0  # a query sees committed rows
    provenance = PROVENANCE

    # ---- watch ---------------------------------------------------------------------------------------------------

    async def changed(self, watched: Watched, cursor: Cursor) -> Page:
        """Returns the next page in the order of (SystemModstamp, Id), up to the time the pass began.

        The next pass starts ``overlap_s`` before this one's end: a row that is committed late carries an old stamp.
        """
        at = keyset.opened(cursor, 0 if cursor.end else await self.now())
        where = [soql.beyond(at.stamp, at.id), f"SystemModstamp <= {soql.moment(at.end)}"]
        tail = f"ORDER BY SystemModstamp ASC, Id ASC LIMIT {soql.PAGE}"
        page, full, time_ms = await self._page(watched, where, tail)
        last = (page[-1].modified, page[-1].id) if page else None
        try:
            onward = keyset.stepped(at, last, full, OVERLAP_S * 1000)
        except ValueError:
            raise ContractError(self.name, QUERY.name, "SystemModstamp") from None
        return Page(tuple(r for r in page if wanted(watched, r)), onward, not full, time_ms)

    async def walk(self, watched: Watched, after: str) -> Page:
        """Returns the next page of all records in id order."""
        where = [f"Id > {soql.quoted(after)}"] if after else []
        page, full, time_ms = await self._page(watched, where, f"ORDER BY Id ASC LIMIT {soql.PAGE}")
        if full and page[-1].id == after:
            raise ContractError(self.name, QUERY.name, "Id")
        kept = tuple(record for record in page if wanted(watched, record))
        return Page(kept, Cursor(id=page[-1].id if page else after), not full, time_ms)

    async def _page(self, watched: Watched, where: Sequence[str], tail: str) -> tuple[list[Record], bool, int]:
        """Returns (rows, whether there may be more, vendor time). A page cut short by the server is a full one."""
        return await self._asked(watched, lambda shown, schema: self._page_of(shown, schema, where, tail))

    async def _page_of(
        self, watched: Watched, schema: Schema, where: Sequence[str], tail: str
    ) -> tuple[list[Record], bool, int]:
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
        """Returns every id found, moved to the row it was merged or converted into, or gone."""
        return await self._asked(watched, lambda shown, schema: self._read(shown, schema, ids))

    async def _read(self, watched: Watched, schema: Schema, ids: Sequence[str]) -> Mapping[str, Found]:
        asked = records.asked_for(watched, schema)
        rows = await self._org.by_ids(watched.object, asked, ids)
        found: dict[str, Found] = {}
        for one in ids:
            record = rows.get(known_id(one))
            if record is not None:
                found[one] = records.fate_of(watched.object, record)
        lost = [one for one in ids if one not in found]
        found |= await self._lost(watched.object, asked, lost) if lost else {}
        return found

    async def _lost(self, object: str, asked: Sequence[str], ids: Sequence[str]) -> Mapping[str, Found]:
        """Tells what became of rows that a plain query does not show. Deleted rows can be seen for fifteen days."""
        ends = {one: known_id(one) for one in ids}
        seen: dict[str, Mapping[str, Any]] = {}
        survivors: dict[str, Record] = {}
        for _ in range(records.CHAIN):
            unknown = [end for end in ends.values() if end not in seen and end not in survivors]
            if not unknown:
                break
            rows = await self._org.ids_in(object, ("Id", "IsDeleted", "MasterRecordId"), unknown, QUERY_ALL)
            seen |= {end: {} for end in unknown} | {str(row.get("Id")): row for row in rows}
            ends = {one: records.last_master(end, seen) for one, end in ends.items()}
            masters = [end for end in ends.values() if end not in seen and end not in survivors]
            survivors |= await self._org.by_ids(object, asked, masters) if masters else {}
        found: dict[str, Found] = {}
        for one, end in ends.items():
            survivor, row = survivors.get(end), seen.get(end, {})
            if survivor is not None:
                fate = records.fate_of(object, survivor)
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
        """Moves rows to the recycle bin, each separately; deleting one again only reports that it is deleted."""
        del object
        good = [one for one in ids if is_id(one)]
        params = {"ids": ",".join(good), "allOrNone": "false"}
        reply = await self._org.send(DELETE, "composite/sobjects", params=params)
        rows = self._org.json(reply, DELETE)
        if not isinstance(rows, list) or len(rows) != len(good):
            raise ContractError(self.name, DELETE.name, "length")
        return frozenset(one for one, row in zip(good, rows, strict=True) if records.is_away(row))

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
        return await self._sought(
            object, property, lambda schema: self._find(schema, object, property, values, also, read)
        )

    async def _find(
        self,
        schema: Schema,
        object: str,
        property: str,
        values: Sequence[str],
        also: Sequence[str],
        read: Reader,
    ) -> Mapping[str, tuple[Record, ...]]:
        if property not in schema.filterable:  # encrypted: it cannot be searched
            return dict.fromkeys(values, ())
        part_of, kind = object == "company" and property == "Website", schema.properties[property].kind
        asked = records.asked_for(Watched(object, (property, *_among(also, schema))), schema)

        def query(part: Sequence[str]) -> str:
            where = [_test(property, part, part_of, kind), "IsDeleted = false"]  # a converted lead is known too
            return soql.select(asked, TABLES[object], where, "ORDER BY Id ASC")

        wanted = [value for value in values if value.strip()]
        found: dict[str, Record] = {}
        for part in soql.chunked(wanted, query, FINDS):
            rows = await self._org.rows(query(part), _FIND)
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
        return await self._sought(
            object, property, lambda schema: self._find_containing(schema, object, property, parts or exact, also)
        )

    async def _find_containing(
        self, schema: Schema, object: str, property: str, parts: Sequence[str], also: Sequence[str]
    ) -> tuple[Record, ...]:
        if property not in schema.filterable:
            return ()
        asked = records.asked_for(Watched(object, (property, *_among(also, schema))), schema)

        def query(part: Sequence[str]) -> str:
            where = " OR ".join(f"{soql.name(property)} LIKE {soql.like(text)}" for text in part)
            return soql.select(asked, TABLES[object], [f"({where})", "IsDeleted = false"], "ORDER BY Id ASC")

        found: dict[str, Record] = {}
        for part in soql.chunked(list(dict.fromkeys(parts)), query, FINDS):
            rows = await self._org.rows(query(part), _FIND)
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
        asked = records.asked_for(Watched(object, _among(also, schema)), schema)
        tests = [f"(AccountId = {soql.quoted(one)} AND LastName = {soql.quoted(last)})" for one, last in people]

        def query(part: Sequence[str]) -> str:
            where = [f"({' OR '.join(part)})", "IsDeleted = false"]
            return soql.select(asked, TABLES[object], where, "ORDER BY Id ASC")

        found: list[Record] = []
        for part in soql.chunked(tests, query, FINDS):
            rows = await self._org.rows(query(part), _FIND)
            found += [records.to_record(object, row, asked, self._org.read_at) for row in rows]
        return tuple(found)

    async def _sought(self, object: str, property: str, ask: Callable[[Schema], Awaitable[Result]]) -> Result:
        """Searches rows by a property; once more after a new read of the schema, if the org refuses a field.

        Raises:
            AccessError: our external id is not shown, without which rows would be doubled.
            UnavailableError: another property is not shown any more: the next attempt knows.
        """
        for fresh in (False, True):
            schema = await self._org.schema(object, fresh=fresh)
            try:
                if property in schema.properties:
                    return await ask(schema)
            except AccessError as refused:
                if fresh or refused.code not in MAPPING:
                    raise
        raise lost_key(self.name, object, property, self._options.external_id)

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

        If the org's trigger gives each contact an account, a contact of ours has one, too.
        """
        if object != "contact":
            return frozenset()
        wanted = {known_id(one): known_id(other) for one, other in pairs}
        ours = {known_id(one) for one in made}
        async with slots_ahead(NoLimiter(), ()):  # with its own slots; but nothing is sent on an old read
            rows = await self._org.ids_in("contact", ("Id", "AccountId"), list(wanted), QUERY)
            held = {str(row["Id"]): str(row.get("AccountId") or "") for row in rows}
            there = {one for one, account in held.items() if account == wanted[one]}
            free = [one for one, account in held.items() if one not in there and (not account or one in ours)]
            results = await self.write("contact", [Write(one, {"AccountId": wanted[one]}) for one in free])
        for result in results.values():
            if result.outcome in {Written.LOCKED, Written.UNKNOWN, Written.SPLIT, Written.CHANGED, Written.GONE}:
                raise UnavailableError(self.name, UPDATE.name, code=result.code)
            if result.outcome is not Written.DONE:
                said = CrmWord(result.kind, result.words)
                raise RejectedError(self.name, UPDATE.name, fields=("AccountId",), code=result.code, said=said)
        return frozenset(one for one, _ in pairs if known_id(one) in there or known_id(one) in results)


def _among(names: Sequence[str], schema: Schema) -> tuple[str, ...]:
    """Returns those of ``names`` that the org shows."""
    return tuple(name for name in names if name in schema.properties)


def _alive(object: str) -> list[str]:
    """Returns rows that are there: neither deleted nor, for leads, converted."""
    return ["IsDeleted = false", *(["IsConverted = false"] if object == "lead" else [])]


def _test(property: str, values: Sequence[str], part_of: bool, kind: str) -> str:
    """Returns the test for rows that may hold one of ``values``, or an address that one of them is part of."""
    if part_of:
        return "(" + " OR ".join(f"{soql.name(property)} LIKE {soql.like(value)}" for value in values) + ")"
    forms = dict.fromkeys(form for value in values for form in (value.strip(), value.strip().lower()))
    return soql.one_of(property, [soql.literal(form, kind) for form in forms])


def _holds(held: str, value: str, read: Reader) -> bool:
    return bool(value) and read(held.strip()) == value
