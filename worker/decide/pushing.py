"""Decides which changes may still be written on a record read again, and judges writes with an unseen outcome.

If the CRM has the properties, provenance is written beside the values: the source of each field, and the time of our
write. It is only for people in the CRM: it decides nothing, so it is part of no fingerprint and starts no visit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from connectors.models import Property, Provenance, Record
from worker.decide.decision import Change
from worker.decide.kept import OurValue
from worker.decide.policy import Policy
from worker.decide.record import View, may_write
from worker.decide.values.blanks import is_blank
from worker.decide.values.fields import same_value


class ChangeVerdict(StrEnum):
    """Names what becomes of a change once the record is read again."""

    WRITE = "write"
    SAME = "same"  # the value is there already: nothing to send
    TAKEN = "taken"  # somebody filled it meanwhile, or its rule says no
    CLOSED = "closed"  # the field was closed meanwhile: refused, do-not-call


class Push(Struct, frozen=True):
    """Holds what to push.

    ``stale``: identity or selection changed, so nothing is written and the record is visited again.
    """

    writes: tuple[Change, ...] = ()
    kept_back: Mapping[str, ChangeVerdict] = {}
    stale: bool = False


def is_stale(seen: View, now: View) -> bool:
    """Tells whether the ground of the changes has moved: identity, ``where``, ``skip_if`` or an opt-out."""
    return (seen.identity, seen.domains, seen.skip) != (now.identity, now.domains, now.skip)


def compare(
    change: Change, now: Record, view: View, policy: Policy, own: Mapping[str, OurValue] | None = None
) -> ChangeVerdict:
    """Tells whether ``change`` may be written on ``now``, whose view is ``view``."""
    rule = policy.rule(change.field)
    held, ours = now.values.get(change.property), (own or {}).get(change.field, OurValue())
    if rule is None or ours.refused or change.field in view.closed:
        return ChangeVerdict.CLOSED
    blank = policy.is_blank(held) or change.field in view.spoiled
    if not blank and same_value(change.field, change.value, held or "", view.countries):
        return ChangeVerdict.SAME
    return ChangeVerdict.WRITE if may_write(rule, held, ours, view.countries, blank=blank) else ChangeVerdict.TAKEN


def push(
    changes: Iterable[Change],
    seen: View,
    now: Record,
    view: View,
    policy: Policy,
    own: Mapping[str, OurValue] | None = None,
) -> Push:
    """Picks those of ``changes``, decided on ``seen``, that may be written on the record as it is now (``view``)."""
    if is_stale(seen, view):
        return Push(stale=True)
    verdicts = [(change, _verdict(change, seen, now, view, policy, own)) for change in changes]
    return Push(
        writes=tuple(change for change, verdict in verdicts if verdict is ChangeVerdict.WRITE),
        kept_back={change.field: verdict for change, verdict in verdicts if verdict is not ChangeVerdict.WRITE},
    )


def _verdict(
    change: Change, seen: View, now: Record, view: View, policy: Policy, own: Mapping[str, OurValue] | None
) -> ChangeVerdict:
    if _is_edited(change, seen, view, policy):
        return ChangeVerdict.TAKEN
    return compare(change, now, view, policy, own)


def _is_edited(change: Change, seen: View, view: View, policy: Policy) -> bool:
    """Tells whether somebody edited a field that can be locked since the changes were decided on."""
    rule = policy.rule(change.field)
    return bool(rule and rule.lock_ms) and seen.held.get(change.field, "") != view.held.get(change.field, "")


def overtaken(
    change: Change, lines: Sequence[tuple[str, str]], before: str, is_ours: Callable[[str], bool]
) -> str | None:
    """Returns the value that ``change`` was written over although we had read ``before``; ``None`` where there is none.

    ``lines`` are (value, writer), newest first. Only somebody else's line directly under a newest line of ours counts:
    a later writer has seen our value, and deeper lines were replaced before ours.
    """
    if len(lines) < 2:
        return None
    (newest, by), (under, by_whom) = lines[0], lines[1]
    if not is_ours(by) or by_whom == by or not same_value(change.field, newest, change.value):
        return None
    return None if under == before or same_value(change.field, under, before) else under


class IntentFate(StrEnum):
    CONFIRMED = "confirmed"
    SEEN = "seen"  # the value is there and somebody else wrote it: not ours to undo
    UNSENT = "unsent"
    OVERTAKEN = "overtaken"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Intent:
    """Holds a write that was about to be sent. ``id`` is the journal entry's."""

    id: str
    field: str
    property: str
    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)


def close_intents(
    intents: Sequence[Intent],
    record: Record | None,
    own_writer: Callable[[str], bool],
    countries: tuple[str, ...] = (),
) -> tuple[tuple[Intent, IntentFate], ...]:
    """Reads what became of each intent off the record as it is now; ``None`` for a record that is gone.

    ``own_writer`` says of a property whether its last writer was us. Of two intents on one property only the later
    can be what is there now; the order given is the order they were made in.
    """
    return tuple((intent, _fate(intent, record, own_writer, countries)) for intent in intents)


def _fate(
    intent: Intent, record: Record | None, own_writer: Callable[[str], bool], countries: tuple[str, ...]
) -> IntentFate:
    if record is None:
        return IntentFate.GONE
    held = record.values.get(intent.property)
    if is_blank(intent.after):  # a value of ours that was taken back
        if is_blank(held):
            return IntentFate.CONFIRMED if own_writer(intent.property) else IntentFate.SEEN
        same = same_value(intent.field, intent.before, held or "", countries)
        return IntentFate.UNSENT if same else IntentFate.OVERTAKEN
    if is_blank(held):
        return IntentFate.UNSENT
    if same_value(intent.field, intent.after, held or "", countries):
        return IntentFate.CONFIRMED if own_writer(intent.property) else IntentFate.SEEN
    if not is_blank(intent.before) and same_value(intent.field, intent.before, held or "", countries):
        return IntentFate.UNSENT
    return IntentFate.OVERTAKEN


SEPARATOR = "; "
_PART = re.compile(r"([a-z_]+) [a-z]+ \d{4}-\d{2}-\d{2}")  # "work_email forager 2026-11-20"


def marks_there(names: Provenance, schema: Mapping[str, Property]) -> Provenance:
    """Returns those of our properties that this object has and that hold the value we would write."""

    def fitting(name: str, kind: str) -> str:
        described = schema.get(name)
        return name if described is not None and described.kind == kind else ""

    return Provenance(fitting(names.source, "text"), fitting(names.checked_at, "datetime"))


def usable_marks(names: Provenance, schema: Mapping[str, Property], refused: Collection[Property] = ()) -> Provenance:
    """Returns those that exist and that we may write; none while the schema still has the ``refused`` one."""
    known = marks_there(names, schema)
    if any(schema.get(one.name) is one for one in refused):  # a schema read since is another object
        return Provenance()

    def open_(name: str) -> str:
        return name if name and schema[name].writable else ""

    return Provenance(open_(known.source), open_(known.checked_at))


def source_mark(held: str, changes: Iterable[Change], at_ms: int, length: int) -> str:
    """Returns the source of each field once ``changes`` are written, newest first.

    Parts that do not fit into ``length`` go, oldest first. A part that is none of ours stays as it is.
    """
    day = f"{_moment(at_ms):%Y-%m-%d}"
    new = {one.field: f"{one.field} {one.provider} {day}" for one in changes}
    old = [part for text in held.split(";") if (part := text.strip()) and _field(part) not in new]
    parts = list(dict.fromkeys([*new.values(), *old]))
    while length and len(SEPARATOR.join(parts)) > length:
        parts.pop()
    return SEPARATOR.join(parts)


def marks_beside(
    names: Provenance, schema: Mapping[str, Property], record: Record, changes: Iterable[Change]
) -> dict[str, str]:
    """Returns the values to write with ``changes`` on ``record``, by property.

    None for a record read at an unknown time.
    """
    written = tuple(changes)
    if not written or not record.read_at:
        return {}
    values = {}
    if names.source:
        held = record.values.get(names.source) or ""
        values[names.source] = source_mark(held, written, record.read_at, schema[names.source].length)
    if names.checked_at:
        values[names.checked_at] = f"{_moment(record.read_at):%Y-%m-%dT%H:%M:%SZ}"
    return {name: value for name, value in values.items() if value}


def mark_without(
    names: Provenance, schema: Mapping[str, Property], record: Record | None, kept: Iterable[Change]
) -> dict[str, str]:
    """Returns the source as it should have been, once some values written on ``record`` are restored."""
    if record is None or not names.source or not record.read_at:
        return {}
    held = record.values.get(names.source) or ""
    return {names.source: source_mark(held, kept, record.read_at, schema[names.source].length)}


def mark_undone(
    names: Provenance, schema: Mapping[str, Property], record: Record, fields: Iterable[str]
) -> dict[str, str]:
    """Returns the source on ``record`` once values of ours in ``fields`` are taken back; nothing if it has none."""
    if not names.source or names.source not in schema:
        return {}
    held, gone = record.values.get(names.source) or "", frozenset(fields)
    parts = [part for text in held.split(";") if (part := text.strip())]
    left = SEPARATOR.join(part for part in parts if _field(part) not in gone)
    return {names.source: left} if left != SEPARATOR.join(parts) else {}


def _field(part: str) -> str:
    match = _PART.fullmatch(part)
    return match[1] if match else ""


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)
