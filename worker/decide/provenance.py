"""Makes the marks beside the values, where the CRM has room: which field is from whom, and when we wrote.

For people who look at the CRM only. Nothing is decided by it, so it is part of no fingerprint and starts no visit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from connectors.models import Property, Provenance, Record
from worker.decide.decision import Change

SEPARATOR = "; "
_PART = re.compile(r"([a-z_]+) [a-z]+ \d{4}-\d{2}-\d{2}")  # "work_email forager 2026-11-20"


def there(names: Provenance, schema: Mapping[str, Property]) -> Provenance:
    """Returns those of our properties that this object has and that hold what we would write."""

    def fitting(name: str, kind: str) -> str:
        described = schema.get(name)
        return name if described is not None and described.kind == kind else ""

    return Provenance(fitting(names.source, "text"), fitting(names.checked_at, "datetime"))


def usable(names: Provenance, schema: Mapping[str, Property], refused: Collection[Property] = ()) -> Provenance:
    """Returns those that are there and that we may write; none while the schema still tells what was ``refused``."""
    known = there(names, schema)
    if any(schema.get(one.name) is one for one in refused):  # what is read anew is another object
        return Provenance()

    def open_(name: str) -> str:
        return name if name and schema[name].writable else ""

    return Provenance(open_(known.source), open_(known.checked_at))


def source(held: str, changes: Iterable[Change], at_ms: int, length: int) -> str:
    """Says what is from whom once ``changes`` are written, newest first.

    Parts that do not fit into ``length`` go, oldest first. A part that is none of ours stays as it is.
    """
    day = f"{_moment(at_ms):%Y-%m-%d}"
    new = {one.field: f"{one.field} {one.provider} {day}" for one in changes}
    old = [part for text in held.split(";") if (part := text.strip()) and _field(part) not in new]
    parts = list(dict.fromkeys([*new.values(), *old]))
    while length and len(SEPARATOR.join(parts)) > length:
        parts.pop()
    return SEPARATOR.join(parts)


def beside(
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
        values[names.source] = source(held, written, record.read_at, schema[names.source].length)
    if names.checked_at:
        values[names.checked_at] = f"{_moment(record.read_at):%Y-%m-%dT%H:%M:%SZ}"
    return {name: value for name, value in values.items() if value}


def without(
    names: Provenance, schema: Mapping[str, Property], record: Record | None, kept: Iterable[Change]
) -> dict[str, str]:
    """Returns the source as it should have been, once some of what was written on ``record`` is given back."""
    if record is None or not names.source or not record.read_at:
        return {}
    held = record.values.get(names.source) or ""
    return {names.source: source(held, kept, record.read_at, schema[names.source].length)}


def undone(names: Provenance, schema: Mapping[str, Property], record: Record, fields: Iterable[str]) -> dict[str, str]:
    """Gives the source on ``record`` once values of ours in ``fields`` are taken back; nothing where it has none."""
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
