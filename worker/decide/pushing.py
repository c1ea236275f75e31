"""Decides what may still be written on a record read again, and what became of writes with an unseen outcome."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from connectors.models import Record
from worker.decide.decision import Change
from worker.decide.policy import Policy
from worker.decide.record import OurValue, View, may_write
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

    ``lines`` are (value, writer), newest first. Only what somebody else wrote directly under a newest line of ours
    counts: whoever wrote after us has seen our value, and what lies deeper was replaced before we came.
    """
    if len(lines) < 2:
        return None
    (newest, by), (under, by_whom) = lines[0], lines[1]
    if not is_ours(by) or by_whom == by or not same_value(change.field, newest, change.value):
        return None
    return None if under == before or same_value(change.field, under, before) else under


class IntentFate(StrEnum):
    """Names what became of an intent."""

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
