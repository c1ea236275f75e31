"""Describes one watched object of one CRM: everything a flow needs to read, decide and write its records."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from msgspec import Struct, structs

from connectors.batching import Batcher
from connectors.models import Edit, Found, Property, Record
from connectors.ports import Crm, Watched
from worker.decide.handles import Handle, of_record, of_value
from worker.decide.kept import OurValue, RefusedValue
from worker.decide.leftovers import RECORD, closed_fields, letters_of_closed, unpack_leftovers
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.record import Openings, View, fingerprint, handles, look, openings
from worker.ledger.journal.reviews import Reviews
from worker.ledger.work.work import Work
from worker.visits.companies import Companies

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


def own_values(texts: Mapping[str, str]) -> dict[str, OurValue]:
    """Reads what we wrote on a record from the texts the ledger keeps by field."""
    return {name: _own(json.loads(text)) for name, text in texts.items()}


def _own(fields: dict[str, Any]) -> OurValue:
    kept, bad, word = fields.pop("kept", None), tuple(fields.pop("bad", ())), fields.pop("told", "")
    return OurValue(**fields, kept=RefusedValue(**kept) if kept else None, bad=bad, reported=word)


def own_texts(own: Mapping[str, OurValue]) -> dict[str, str]:
    """Returns the texts the ledger keeps for what we wrote."""
    return {
        name: json.dumps(_fields_of(value), ensure_ascii=False, separators=(",", ":")) for name, value in own.items()
    }


def _fields_of(own: OurValue) -> dict[str, Any]:
    fields: dict[str, Any] = {"value_hash": own.value_hash, "refused": own.refused}
    fields |= {"rejected": True} if own.rejected else {}
    fields |= {"bad": own.bad, "told": own.reported} if own.bad else {}
    return fields | ({"kept": dataclasses.asdict(own.kept)} if own.kept else {})


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

    def reading(self, names: Iterable[str]) -> Watched:
        """Returns what is read of a record where ``names`` are wanted besides: an undo may be of any property."""
        return structs.replace(self.watched, properties=tuple(sorted({*self.watched.properties, *names})))

    def handles(self, record: Record) -> frozenset[Handle]:
        """Returns what a record is known by to the suppression list: all that it bears, and itself."""
        return handles(record, self.policy) | {of_record(self.crm, self.object, record.id)}

    def view(self, record: Record, own: Mapping[str, OurValue]) -> View:
        """Shows ``record`` to the rules."""
        return look(record, self.policy, own)

    def openings(self, record: Record) -> Openings:
        """Shows what is open on a record of which nothing is remembered, without reading who it is about."""
        return openings(record, self.policy)

    def mark(self, view: View) -> str:
        """Returns the fingerprint that is remembered once the record settles."""
        return fingerprint(view, self.policy)

    def takes(self, property: str) -> bool:
        """Tells whether the crm lets us write a property, as far as is known."""
        return property not in self.schema or self.schema[property].writable

    def lacks_option(self, property: str) -> bool:
        """Tells whether a value that does not fit a property may be an option that was added since it was told."""
        return property in self.schema and bool(self.schema[property].options)

    def was_skipped(self, view: View, left: str) -> bool:
        """Tells whether the last visit, which left ``left``, left the record alone for the reason that stands now."""
        return view.skip is not None and unpack_leftovers(left).get(RECORD) == view.skip.value

    def opened(self, view: View, left: str) -> frozenset[str]:
        """Returns the gaps whose property was closed at the last visit, which left ``left``, and is open now."""
        closed = closed_fields(left)
        return frozenset(one.field for one in self._fillable() if one.field in closed and one.field in view.gaps)

    def letters_of_opened(self) -> list[str]:
        """Returns what stands among the letters of what a record's last visit left, where ``opened`` may find a gap."""
        return [letters for one in self._fillable() if (letters := letters_of_closed(one.field))]

    def _fillable(self) -> Iterable[FieldRule]:
        rules = (one for one in self.policy.rules if one.write is not WriteRule.NEVER)
        return (one for one in rules if one.property in self.schema and self.takes(one.property))
