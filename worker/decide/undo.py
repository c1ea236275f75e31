"""Decides which of our changes may go back: those whose value is still there and that nobody has taken over."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from connectors.models import Record
from worker.decide.values.blanks import is_blank
from worker.decide.values.fields import PHONE_FIELDS, same_value

UNDO, REDO = "undo", "redo"  # rules of the changes that take others back; the second takes back the first


class UndoVerdict(StrEnum):
    """Names the fate of a change that is to go back."""

    BACK = "back"
    ALREADY = "already"  # the earlier value is there
    DRIFTED = "drifted"  # another value is there now
    CONFIRMED = "confirmed_by_other"  # our value is there, and somebody else wrote it last
    BAD = "bad"  # the earlier value has bounced or is wrong
    CLOSED = "closed"  # it would write on a person who opted out or is suppressed


@dataclass(frozen=True, slots=True)
class Undoable:
    """Holds our writes on one property, from the first change on; ``rule`` applies to the way back."""

    field: str
    property: str
    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)
    rule: str = UNDO


def undoables(entries: Iterable[Mapping[str, object]]) -> tuple[Undoable, ...]:
    """Returns what confirmed changes, oldest first, did to each property: of several in a row the ends count."""
    found: dict[str, Undoable] = {}
    for entry in entries:
        if entry.get("kind") != "change" or entry.get("state") != "confirmed" or not entry.get("property"):
            continue
        name, before, after = str(entry["property"]), str(entry.get("before") or ""), str(entry.get("after") or "")
        first = found.get(name)
        rule = REDO if entry.get("rule") == UNDO else UNDO
        found[name] = Undoable(str(entry["field"]), name, first.before if first else before, after, rule)
    return tuple(one for one in found.values() if one.before != one.after)


def verdicts(
    undo: Iterable[Undoable],
    record: Record,
    ours: Collection[str],
    countries: tuple[str, ...],
    bad: Collection[str] = (),
) -> dict[str, UndoVerdict]:
    """Decides by property for a record as just read; ``ours`` are the properties that we wrote last.

    ``bad`` are those that would get a value back which a CRM has called bad.
    """
    closed = record.opted_out or record.suppressed
    return {
        one.property: verdict(
            one,
            record.values.get(one.property),
            ours=one.property in ours,
            closed=closed or (record.do_not_call and one.field in PHONE_FIELDS),
            bad=one.property in bad,
            countries=countries,
        )
        for one in undo
    }


def verdict(
    one: Undoable,
    held: str | None,
    *,
    ours: bool,
    closed: bool = False,
    bad: bool = False,
    countries: tuple[str, ...] = (),
) -> UndoVerdict:
    """Decides by the property's present value, and whether we wrote it. ``closed`` forbids writing values of ours."""
    if (held or "") == one.before or (is_blank(held) and is_blank(one.before)):
        return UndoVerdict.ALREADY
    if is_blank(one.after) is not is_blank(held):
        return UndoVerdict.DRIFTED
    if not is_blank(held) and not same_value(one.field, one.after, held or "", countries):
        return UndoVerdict.DRIFTED
    if not ours:
        return UndoVerdict.CONFIRMED
    if bad:
        return UndoVerdict.BAD
    return UndoVerdict.CLOSED if closed and one.rule == REDO else UndoVerdict.BACK
