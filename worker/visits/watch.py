"""Describes one watched object of one CRM: everything a flow needs to read, decide and write its records.

Complements the records with the company that they are linked to.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import Struct, structs

from connectors.batching import Batcher
from connectors.models import Company, Edit, Found, Property, Record
from connectors.ports import Crm, Watched
from worker.decide.decision import Change
from worker.decide.fitting import NO_OPTION, fit
from worker.decide.handles import Handle, of_record, of_value
from worker.decide.kept import OurValue, RefusedValue, own_values
from worker.decide.leftovers import (
    RECORD,
    closed_fields,
    letters_of_closed,
    letters_of_optionless,
    optionless_fields,
    unpack_leftovers,
)
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.record import Openings, View, fingerprint, handles, look, look_after, openings
from worker.ledger.journal.reviews import Reviews
from worker.ledger.work.memory import Memory
from worker.ledger.work.work import Work

COMPANY_KEPT_S = 600.0  # linked companies change rarely; a stale domain costs one more visit, never a wrong write


class Companies:
    """Reads names and domains of linked companies, kept for ten minutes: many contacts share one."""

    def __init__(self, vendor: Crm, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Company]] = {}
        self._batch: Batcher[str, Company] = Batcher(vendor.name, "companies", self._read, str, vendor.batch)
        self._vendor = vendor

    async def of(self, ids: Sequence[str]) -> dict[str, Company]:
        """Returns the companies among ``ids`` that exist."""
        now = self._clock()
        fresh = {key: kept for key in ids if (kept := self._kept.get(key)) and now - kept[0] < COMPANY_KEPT_S}
        lacking = [key for key in dict.fromkeys(ids) if key and key not in fresh]
        for start in range(0, len(lacking), self._vendor.batch):
            block = lacking[start : start + self._vendor.batch]
            read = await self._vendor.companies(block)
            for key in block:
                fresh[key] = self._kept[key] = (now, read.get(key, Company()))
        if len(self._kept) > 20_000:
            self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] < COMPANY_KEPT_S}
        return {key: company for key, (_, company) in fresh.items() if company != Company()}

    async def one(self, company_id: str) -> Company:
        """Returns one company, read together with those that other visits ask for; an empty one when it is gone."""
        kept = self._kept.get(company_id)
        if kept and self._clock() - kept[0] < COMPANY_KEPT_S:
            return kept[1]
        return await self._batch.ask(company_id)

    async def complete(self, records: Sequence[Record]) -> list[Record]:
        """Returns the records with the linked company's name and domain, where the vendor's row does not carry them.

        A single record's is read together with those of other visits.
        """
        lacking = [record.company_id for record in records if record.company_id and not record.company_domain]
        if not lacking:
            return list(records)
        companies = await self.of(lacking) if len(records) > 1 else {one: await self.one(one) for one in lacking}
        return [with_company(record, companies.get(record.company_id, Company())) for record in records]

    async def _read(self, ids: Sequence[str]) -> Mapping[str, Company]:
        found = await self.of(ids)
        return {key: found.get(key, Company()) for key in ids}


def with_company(record: Record, company: Company) -> Record:
    """Returns ``record`` with its linked company's data, unless the row has them itself."""
    return structs.replace(
        record,
        company_domain=record.company_domain or company.domain,
        company_name=record.company_name or company.name,
    )


Handles: TypeAlias = Collection[Handle] | Callable[[], Collection[Handle]]
OnList: TypeAlias = Callable[[Sequence[Handles]], Awaitable[Sequence[bool]]]
Hashes: TypeAlias = Callable[[Iterable[Handle]], Collection[str]]
AreBad: TypeAlias = Callable[[Collection[Handle]], Awaitable[Collection[Handle]]]


async def spoilt(are_bad: AreBad, values: Mapping[str, Iterable[tuple[str, str, str]]]) -> dict[str, frozenset[str]]:
    """Returns by row the properties that would get a value which a CRM has called bad, in one round trip.

    ``values`` are (field, property, value) by row.
    """
    found = {row: {name: of_value(field, text) for field, name, text in mine} for row, mine in values.items()}
    bad = await are_bad({one for named in found.values() for one in named.values() if one})
    return {row: frozenset(name for name, one in named.items() if one in bad) for row, named in found.items()}


def ours(memory: Memory | None) -> dict[str, OurValue]:
    """Returns the memory of our values on a record."""
    return own_values(memory.own) if memory else {}


def _digest(property: Property) -> str:
    named = sorted((one, property.labels.get(one, "")) for one in property.options)
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:12]


def is_due(seen: View | Openings, *, closed: bool) -> bool:
    """Tells whether a record has an open gap; with ``closed`` also whether it has blanks that are shut for a reason."""
    if seen.skip:
        return bool(closed and seen.blank and seen.skip.reason)
    return bool(seen.gaps)


class Watch(Struct, frozen=True):
    """Describes a watched object, and the ways its records are read. ``suppressed`` asks the suppression list.

    ``edits`` tells who edited the fields that can be locked last, ``are_bad`` which addresses and numbers a CRM has
    called bad. ``schema`` is brought up to date while a property to be filled is closed (``ClosedProperties``).
    """

    crm: str
    object: str
    vendor: Crm
    policy: Policy
    watched: Watched
    schema: Mapping[str, Property]
    work: Work
    reader: Batcher[str, Found]
    companies: Companies
    reviews: Reviews
    suppressed: OnList
    edits: Batcher[str, Mapping[str, Edit]]
    are_bad: AreBad

    async def complete(self, records: Sequence[Record]) -> list[Record]:
        """Returns the records with what their rows do not say: the linked company, and whether they are suppressed."""
        whole = await self.companies.complete(records)
        listed = await self.suppressed([partial(self.handles, record) for record in whole])
        return [
            record if record.suppressed is on else structs.replace(record, suppressed=on)
            for record, on in zip(whole, listed, strict=True)
        ]

    def reading(self, undone: Iterable[str], marks: Iterable[str] = ()) -> Watched:
        """Returns the properties read of a record, besides others that are wanted.

        An undo may be of any property, of one that is gone by now, too.
        """
        names, held = {*undone, *marks}, self.watched
        optional = held.optional | ({*undone} - held.names - {*marks})
        return structs.replace(held, properties=tuple(sorted({*held.properties, *names})), optional=optional)

    def handles(self, record: Record) -> frozenset[Handle]:
        """Returns a record's handles for the suppression list: all that it contains, and itself."""
        return handles(record, self.policy) | {of_record(self.crm, self.object, record.id)}

    def view(self, record: Record, own: Mapping[str, OurValue], before: View | None = None) -> View:
        """Shows ``record`` to the rules; what ``before`` has read of it is not read again."""
        return look(record, self.policy, own, before.said if before else None)

    def view_after(self, record: Record, own: Mapping[str, OurValue], before: View) -> View:
        """Shows a record at the end of its visit, which began with ``before``."""
        return look_after(record, self.policy, own, before)

    def openings(self, record: Record, own: Mapping[str, OurValue]) -> Openings:
        """Shows what is open on a record, without reading who it is about."""
        return openings(record, self.policy, own)

    def mark(self, view: View) -> str:
        """Returns the fingerprint that is remembered once the record settles."""
        return fingerprint(view, self.policy)

    def takes(self, property: str) -> bool:
        """Tells whether the crm lets us write a property, as far as is known."""
        return property not in self.schema or self.schema[property].writable

    def lacks_option(self, property: str) -> bool:
        """Tells whether a value that does not fit a property may be an option that was added since it was read."""
        held = self.schema.get(property)
        return held is not None and bool(held.options) and not held.is_open

    def was_skipped(self, view: View, left: str) -> bool:
        """Tells whether the last visit, which left ``left``, left the record alone for the present reason."""
        return view.skip is not None and unpack_leftovers(left).get(RECORD) == view.skip.value

    def fitted(self, change: Change) -> Change | None:
        """Returns a value that was kept as its property takes it now; ``None`` while that has no such option."""
        if not self.lacks_option(change.property):
            return change
        value = fit(change.value, change.field, self.schema[change.property])
        if isinstance(value, str):
            return structs.replace(change, value=value)
        return None if value.reason == NO_OPTION else change

    def opened(self, view: View, memory: Memory | None) -> frozenset[str]:
        """Returns gaps that the CRM's schema kept open at the last visit, and does not any more.

        Their property was closed and is open, or has got the option that a kept value waited for. They alone are news
        on a record that tells nothing else: its other gaps are looked at again when their own time comes.
        """
        if memory is None or not memory.left:
            return frozenset()
        closed, optionless, own = closed_fields(memory.left), optionless_fields(memory.left), ours(memory)
        gaps = [one for one in self._fillable() if one.field in view.gaps]
        found = [one for one in gaps if one.field in closed]
        found += [one for one in gaps if one.field in optionless and self._has_option(one, own)]
        return frozenset(one.field for one in found)

    def _has_option(self, rule: FieldRule, own: Mapping[str, OurValue]) -> bool:
        held = own.get(rule.field, OurValue()).kept
        return held is not None and not self.is_unfit(rule.field, held)

    def is_unfit(self, field: str, held: RefusedValue) -> bool:
        """Tells whether a kept value waits for an option of its property."""
        rule = self.policy.rule(field)
        change = Change(field, rule.property, held.value, held.provider, None, held.question) if rule else None
        return change is not None and self.fitted(change) is None

    def letters_of_opened(self, options: Collection[str] = ()) -> list[str]:
        """Returns the letters of a record's last visit with which ``opened`` may find a gap.

        ``options`` are properties whose options have changed.
        """
        found = [letters_of_closed(one.field) for one in self._fillable()]
        found += [letters_of_optionless(one.field) for one in self._fillable() if one.property in options]
        return [letters for letters in found if letters]

    def options(self) -> dict[str, str]:
        """Returns a digest of the options of each property that is filled and has some."""
        chosen = {one.property for one in self._fillable() if self.lacks_option(one.property)}
        return {name: _digest(self.schema[name]) for name in sorted(chosen)}

    def _fillable(self) -> Iterable[FieldRule]:
        rules = (one for one in self.policy.rules if one.write is not WriteRule.NEVER)
        return (one for one in rules if one.property in self.schema and self.takes(one.property))
