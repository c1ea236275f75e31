"""Keeps our hands off what a person edited a while ago, whatever the field's rule says.

Whoever cannot be distinguished from a person is one, and a value of unknown age is new.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Edit, Record, Writer
from worker.decide.policy import Policy
from worker.decide.reasons import Reason
from worker.decide.record import OurValue, View
from worker.decide.values.fields import value_hash


class Locks(Struct, frozen=True):
    """Names the locked fields, each with the vendor's time (ms) at which it opens."""

    until: Mapping[str, int]

    @property
    def first(self) -> int:
        """Says when the first one opens, 0 when none is locked."""
        return min(self.until.values(), default=0)

    def on(self, view: View) -> View:
        """Returns the view without gaps in locked fields."""
        if not self.until:
            return view
        closed = {**view.closed, **dict.fromkeys(self.until, Reason.LOCKED)}
        return replace(view, gaps=tuple(name for name in view.gaps if name not in self.until), closed=closed)


def locks(
    record: Record,
    view: View,
    policy: Policy,
    own: Mapping[str, OurValue],
    edits: Mapping[str, Edit],
    now: int,
    *,
    complete: bool,
) -> Locks:
    """Finds the gaps of a record that a person's edit closes. ``edits`` are the last ones by property.

    Not ``complete`` are those of a CRM that keeps them of some properties only. Of any other whoever wrote the record
    last wrote the value, unless it is ours, and nobody can tell a blank that was cleared from one that never held
    anything.
    """
    until: dict[str, int] = {}
    for name in view.gaps:
        rule = policy.rule(name)
        if rule is None or not rule.lock_ms:
            continue
        held = view.held.get(name, "")
        known_edit = edits.get(rule.property)
        edit = known_edit or (Edit(Writer.PERSON, now if complete else record.modified) if held else None)
        is_ours = bool(held) and own.get(name, OurValue()).value_hash == value_hash(name, held, view.countries)
        end = (
            edit.at + rule.lock_ms
            if edit and _is_a_persons(edit, is_ours=is_ours, known=complete or known_edit is not None)
            else 0
        )
        if end > now:
            until[name] = end
    return Locks(until)


def _is_a_persons(edit: Edit, *, is_ours: bool, known: bool) -> bool:
    """Tells whether an edit is a person's; where the CRM does not tell, a value of ours is ours."""
    return edit.by is Writer.PERSON and not (is_ours and not known)


def locked_blanks(edits: Mapping[str, Edit], lock_ms: Mapping[str, int], now: int) -> frozenset[str]:
    """Returns those of a row's blank properties that a person cleared less than ``lock_ms`` ago."""
    return frozenset(
        name
        for name, ms in lock_ms.items()
        if (edit := edits.get(name)) and edit.cleared and edit.by is Writer.PERSON and edit.at + ms > now
    )
