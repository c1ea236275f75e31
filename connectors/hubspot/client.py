"""Reads and writes one HubSpot portal as a system of record.

Source: the API of generations 2026-09 and v3 (objects, search, properties, associations), read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from pydantic import TypeAdapter

from connectors.errors import (
    UNFIT,
    AccessError,
    ConflictError,
    ConnectorError,
    ContractError,
    RejectedError,
    UnavailableError,
    lost_key,
)
from connectors.hubspot import records, refusals, search, writing
from connectors.hubspot.ids import is_id
from connectors.hubspot.options import OVERLAP_S, PROVENANCE
from connectors.hubspot.portal import HubSpotPortal
from connectors.hubspot.records import RecordRow, RecordRows
from connectors.limits import Ticket
from connectors.models import (
    Company,
    Cursor,
    Edit,
    Fate,
    Found,
    Page,
    Property,
    Record,
    Write,
    WriteResult,
    Written,
)
from connectors.operations import Operation
from connectors.ports import Edits, Reader, Watched
from connectors.refusal_kinds import word_of
from connectors.replies import parsed, server_time
from connectors.wanted import wanted

BATCH = 100
HISTORY_BATCH = 50  # history makes replies large; HubSpot lowers its own page for it
LIST_PAGE = 100
FINDS = 10_000  # rows one search may give in all before we call the question wrong
_WORKS_AT = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}  # contact to company, unlabelled
_ROWS, _ROW = TypeAdapter(RecordRows), TypeAdapter(RecordRow)


class HubSpot(HubSpotPortal):
    """Reads and writes contacts and companies of one portal. Implements ``ports.Crm``."""

    kind = "hubspot"
    user_id = ""  # its events name the app, which the configuration knows
    batch = BATCH
    keeps_history = True
    search_batch = search.MOST_GROUPS - 1  # one group is for whole texts
    provenance = PROVENANCE

    # ---- watch ---------------------------------------------------------------------------------------------------

    async def changed(self, watched: Watched, cursor: Cursor) -> Page:
        """Returns the next page of the window ``cursor`` walks, in id order; a new window ends now.

        Rows that the index shows late are seen by the next window, which starts ``overlap_s`` before this one's end.
        """
        window = search.opened(cursor, 0 if cursor.end else await self.now())
        try:
            rows, time_ms = await self._changed(await self._shown(watched), window)
        except AccessError as refused:
            if refused.status not in UNFIT:
                raise
            rows, time_ms = await self._changed(await self._shown(watched, fresh=True), window)
        page = tuple(records.to_record(watched.object, row, time_ms) for row in rows.results)
        more = records.more(rows)
        last = records.last_id(rows, window.id)
        if more and not page:
            raise UnavailableError(self.name, f"{watched.object}.search", code="empty_page")
        if page and last is None:
            raise ContractError(self.name, f"{watched.object}.search", "id")
        onward = search.stepped(window, last or window.id, more, OVERLAP_S * 1000)
        return Page(tuple(r for r in page if wanted(watched, r)), onward, not more, time_ms)

    async def _changed(self, watched: Watched, window: Cursor) -> tuple[RecordRows, int]:
        schema = await self._schema(watched.object)
        enumerations = frozenset(name for name in watched.where if schema[name].kind == "options")
        body = search.changed_body(watched, window, self._asked_for(watched), enumerations)
        return await self._search(self._of(watched.object).search, body)

    async def walk(self, watched: Watched, after: str) -> Page:
        """Returns the next page of all records.

        ``after`` is the ``cursor.id`` of the page before, as HubSpot gave it.
        """
        watched = await self._shown(watched)
        operation = self._of(watched.object).list
        names = ",".join(self._asked_for(watched))
        reply = await self._send(operation, query={"limit": LIST_PAGE, "after": after or None, "properties": names})
        rows = parsed(_ROWS, reply, self.name, operation.name)
        time_ms = server_time(reply)
        onward = rows.paging.next.after if rows.paging and rows.paging.next else ""
        if onward and onward == after:
            raise ContractError(self.name, operation.name, "paging.next.after")
        page = (records.to_record(watched.object, row, time_ms) for row in rows.results)
        kept = tuple(record for record in page if wanted(watched, record))
        return Page(kept, Cursor(id=onward or after), not onward, time_ms)

    # ---- read and write ------------------------------------------------------------------------------------------

    async def read(self, watched: Watched, ids: Sequence[str]) -> Mapping[str, Found]:
        """Returns every id found, moved to the record it was merged into, gone, or unknown."""
        watched = await self._shown(watched)
        found: dict[str, Found] = {}
        for part in _parts(ids, BATCH):
            asked = [one for one in part if is_id(one)]
            found |= {one: Found(Fate.GONE) for one in part if one not in asked}
            if asked:
                rows, time_ms = await self._batch_read(watched.object, asked, self._asked_for(watched))
                found |= records.fates(watched.object, asked, rows, time_ms)
        return found

    async def write(self, object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        """Update by record id, in one call."""
        operation = self._of(object).write
        part = [write for write in writing.coalesced(writes) if write.values]
        results = {write.id: WriteResult(Written.DONE) for write in writes if not write.values}
        if object == "contact":
            part, later = writing.apart(part)
            results |= {write.id: WriteResult(Written.SPLIT) for write in later}
        if part:
            inputs = [{"id": write.id, "properties": dict(write.values)} for write in part]
            try:
                reply = await self._send(operation, json={"inputs": inputs})
            except RejectedError as refusal:
                if not refusal.fields:
                    raise
                return {**results, **writing.barred(part, refusal)}
            rows = parsed(_ROWS, reply, self.name, operation.name) if 200 <= reply.status < 300 else None
            results |= writing.results(part, reply, rows)
            if object == "contact" and rows is None and (addresses := writing.contested(part, reply)):
                results |= writing.taken(part, reply, await self._owners(addresses))
            if request := refusals.request_id(reply):
                results |= {write.id: replace(results[write.id], request=request) for write in part}
        return results

    async def _owners(self, addresses: Mapping[str, str]) -> dict[str, str]:
        """Returns the contact that has an address, by the record it was meant for, if it is another one."""
        try:
            found = await self._by_key("contact", writing.EMAIL, list(dict.fromkeys(addresses.values())), ())
        except ConnectorError:  # the batch is refused whether we know why or not
            return {}
        owners: dict[str, str] = {}
        for row, _ in found.values():
            held = search.texts_of(row, writing.EMAIL, str.casefold)
            owners |= {one: row.id for one, address in addresses.items() if address in held and one != row.id}
        return owners

    async def attached(self, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Returns the rows related to each company: contacts by their associations, since a search would lag.

        Deals and child companies as HubSpot counts them, which no scope on those is needed for.
        """
        found: dict[str, frozenset[str]] = {one: frozenset() for one in ids}
        operation = self._of("company").linked
        for part in _parts([one for one in ids if is_id(one)], BATCH):
            reply = await self._send(operation, json={"inputs": [{"id": one} for one in part]})
            if reply.status != 404:  # none of them has any
                rows = parsed(_LINKED, reply, self.name, operation.name)
                found |= {row.from_.id: row.ends for row in rows.results if row.from_.id in found}
            counted, _ = await self._batch_read("company", part, records.COUNTED)
            found |= {row.id: found[row.id] | records.counted(row) for row in counted.results if row.id in found}
        return found

    async def archive(self, object: str, ids: Sequence[str]) -> frozenset[str]:
        """Archives rows in one call, all or none; HubSpot keeps them for 90 days."""
        await self._send(self._of(object).archive, json={"inputs": [{"id": one} for one in ids]})
        return frozenset(ids)

    async def history(
        self, object: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]]:
        """Returns newest first (value, ``sourceType:sourceId``) per id and property."""
        histories: dict[str, Mapping[str, tuple[tuple[str, str], ...]]] = {}
        for part in _parts(ids, HISTORY_BATCH):
            rows, _ = await self._batch_read(object, part, ("hs_merged_object_ids",), history=properties)
            for asked, row in records.survivors(part, rows).items():
                histories[asked] = records.history_of(row, properties)
        return histories

    async def edits(self, object: str, ids: Sequence[str], properties: Sequence[str]) -> Edits:
        """Returns the newest line of each property's history, by id."""
        found: dict[str, Mapping[str, Edit]] = {one: {} for one in ids}
        for part in _parts(ids, HISTORY_BATCH):
            rows, _ = await self._batch_read(object, part, ("hs_merged_object_ids",), history=properties)
            for asked, row in records.survivors(part, rows).items():
                found[asked] = records.edits_of(row, properties)
        return found

    def is_ours(self, writer: str) -> bool:
        """Tells whether an integration wrote it.

        The signature of a service key's writes is not documented, so any integration's counts as ours: the value
        has to be ours as well before anything follows from it.
        """
        return writer.partition(":")[0] in records.INTEGRATIONS

    async def ours(self, object: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Returns properties whose newest history line was written by an integration, by id."""
        histories = await self.history(object, ids, properties)
        return {
            one: frozenset(name for name, lines in of_row.items() if lines and self.is_ours(lines[0][1]))
            for one, of_row in histories.items()
        }

    async def companies(self, ids: Sequence[str]) -> Mapping[str, Company]:
        """Returns the linked companies; one that was merged answers under the id asked for."""
        by_id: dict[str, Company] = {}
        for part in _parts([one for one in ids if is_id(one)], BATCH):
            rows, _ = await self._batch_read("company", part, records.COMPANY)
            by_id |= {asked: records.to_company(row) for asked, row in records.survivors(part, rows).items()}
        return by_id

    # ---- deliver -------------------------------------------------------------------------------------------------

    async def find(
        self, object: str, property: str, values: Sequence[str], also: Sequence[str] = (), read: Reader = str.casefold
    ) -> Mapping[str, tuple[Record, ...]]:
        """Returns records per value.

        An e-mail or a unique property is read directly, which is sure; anything else is searched, and a search
        cannot prove that something does not exist: its index lags.
        """
        wanted = list(dict.fromkeys(value for value in values if value.strip()))
        schema, names = await self._searchable(object, property), (*records.ALWAYS[object], *also)
        if (object, property) == ("contact", "email") or (property in schema and schema[property].unique):
            texts = [value.strip().lower() for value in wanted if "@" in value] if property == "email" else wanted
            hits = await self._by_key(object, property, texts, names)
        elif (object, property) == ("company", "domain"):
            hits = await self._searched(
                object, search.domain_bodies(wanted, ("domain", "hs_additional_domains", *names))
            )
        else:
            hits = await self._searched(object, search.value_bodies(property, wanted, (property, *names)))
        found = {row.id: records.to_record(object, row, time_ms) for row, time_ms in hits.values()}
        return {
            value: tuple(found[row.id] for row, _ in hits.values() if search.holds(row, property, read(value), read))
            for value in values
        }

    async def find_containing(
        self, object: str, property: str, exact: Sequence[str], parts: Sequence[str], also: Sequence[str] = ()
    ) -> tuple[Record, ...]:
        """Returns rows that hold one of the texts or a part of it; words and wildcards decide which parts match."""
        await self._searchable(object, property)
        names = (property, *records.ALWAYS[object], *also)
        hits = await self._searched(object, search.part_bodies(property, exact, parts, names))
        return tuple(records.to_record(object, row, time_ms) for row, time_ms in hits.values())

    async def _searchable(self, object: str, property: str) -> Mapping[str, Property]:
        """Returns the schema, sure to hold a property that rows are looked for by.

        Raises:
            AccessError: our external id is gone, without which rows would be doubled.
            UnavailableError: another property is gone: the next attempt knows.
        """
        schema = await self._schema(object)
        if property not in schema and property not in await self.properties(object):
            raise lost_key(self.name, object, property, self._options.external_id)
        return schema

    async def staff(
        self, object: str, people: Sequence[tuple[str, str]], also: Sequence[str] = ()
    ) -> tuple[Record, ...]:
        """Returns contacts whose primary company is the given one."""
        if object != "contact":
            return ()
        hits = await self._searched(object, search.staff_bodies(people, (*records.ALWAYS[object], *also)))
        return tuple(records.to_record(object, row, time_ms) for row, time_ms in hits.values())

    async def create(self, object: str, values: Mapping[str, str], ticket: Ticket, company_id: str = "") -> str:
        """Create one row on its ticket; a conflict names the row in the way wherever HubSpot or its e-mail tells."""
        operation = self._of(object).create
        links = [{"to": {"id": company_id}, "types": [_WORKS_AT]}] if company_id and object == "contact" else []
        body = {"properties": dict(values), "associations": links}
        try:
            reply = await self._transport.send(operation, json=body, ticket=ticket)
        except ConflictError as conflict:
            if conflict.existing:
                raise
            args = (self.name, operation.name, conflict.status, conflict.request_id)
            known = await self._in_the_way(object, values)
            raise ConflictError(*args, existing=((object, known),) if known else (), code=conflict.code) from conflict
        self._timed(reply)
        return parsed(_ROW, reply, self.name, operation.name).id

    async def _in_the_way(self, object: str, values: Mapping[str, str]) -> str:
        """Returns the row that has one of our unique values already, ``""`` when none is found."""
        for name in (self._options.external_id, *(("email",) if object == "contact" else ())):
            value = values.get(name, "")
            if value and (known := (await self.find(object, name, [value]))[value]):
                return known[0].id
        return ""

    async def link(self, object: str, pairs: Sequence[tuple[str, str]], made: Collection[str] = ()) -> frozenset[str]:
        """Associate contacts with companies by the default, unlabelled association; who has another keeps that, too."""
        del made
        if object != "contact":
            return frozenset()
        operation = self._of(object).link
        for part in _parts([f"{one} {other}" for one, other in pairs], BATCH):
            inputs = [{"from": {"id": one}, "to": {"id": other}} for one, _, other in (p.partition(" ") for p in part)]
            rows = parsed(_LINKS, await self._send(operation, json={"inputs": inputs}), self.name, operation.name)
            if rows.errors:
                refusal = refusals.refusal_of(rows.errors[0].model_dump())
                said = word_of(refusal.code, refusals.KINDS, refusal.message)
                raise RejectedError(self.name, operation.name, code=refusal.code, said=said)
        return frozenset(one for one, _ in pairs)

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _asked_for(self, watched: Watched) -> tuple[str, ...]:
        also = (*watched.gaps, *watched.where, *watched.skip_if)
        return tuple(dict.fromkeys((*records.ALWAYS[watched.object], *watched.properties, *also)))

    async def _batch_read(
        self, object: str, ids: Sequence[str], properties: Sequence[str], *, key: str = "", history: Sequence[str] = ()
    ) -> tuple[RecordRows, int]:
        body: dict[str, Any] = {
            "properties": list(properties),
            "propertiesWithHistory": list(history),
            "inputs": [{"id": key_value} for key_value in ids],
        }
        if key:
            body["idProperty"] = key
        operation = replace(self._of(object).read, by_values=bool(key))
        reply = await self._send(operation, json=body)
        if reply.status == 404:  # nothing at all was found
            missing = records.ErrorGroup(category="OBJECT_NOT_FOUND", context={"ids": list(ids)})
            return RecordRows(results=[], errors=[missing]), server_time(reply)
        return parsed(_ROWS, reply, self.name, operation.name), server_time(reply)

    async def _by_key(
        self, object: str, property: str, values: Sequence[str], also: Sequence[str]
    ) -> dict[str, tuple[RecordRow, int]]:
        names = ("email", "hs_additional_emails") if property == "email" else (property,)
        hits: dict[str, tuple[RecordRow, int]] = {}
        for part in _parts(values, BATCH):
            rows, time_ms = await self._batch_read(object, part, tuple(dict.fromkeys((*names, *also))), key=property)
            hits |= {row.id: (row, time_ms) for row in rows.results}
        return hits

    async def _search(self, operation: Operation, body: Mapping[str, Any]) -> tuple[RecordRows, int]:
        reply = await self._send(operation, json=body)
        return parsed(_ROWS, reply, self.name, operation.name), server_time(reply)

    async def _searched(self, object: str, bodies: Iterable[search.Body]) -> dict[str, tuple[RecordRow, int]]:
        hits: dict[str, tuple[RecordRow, int]] = {}
        operation = replace(self._of(object).search, by_values=True)
        for body in bodies:
            last: str | None = ""
            while last is not None and len(hits) <= FINDS:
                rows, time_ms = await self._search(operation, search.beyond(body, last) if last else body)
                hits |= {row.id: (row, time_ms) for row in rows.results}
                last = records.last_id(rows, last) if records.more(rows) else None
        return hits


class _Links(records.RecordRows):
    """Reads the answer of an association batch: its results carry pairs, which we know already."""

    results: list[object] = []  # type: ignore[assignment]  # noqa: RUF012 - pydantic copies defaults


_LINKS = TypeAdapter(_Links)
_LINKED = TypeAdapter(records.LinkedRows)


def _parts(items: Sequence[str], size: int) -> Iterable[list[str]]:
    whole = list(dict.fromkeys(items))
    return (whole[start : start + size] for start in range(0, len(whole), size))
