"""Says again of a record that was read what its search could not ask for exactly."""

from __future__ import annotations

from connectors.models import Record
from connectors.ports import Watched


def wanted(watched: Watched, record: Record) -> bool:
    """Tells whether ``record`` is one that is looked for."""
    return (
        all(_held(record, name) & {v.casefold() for v in values} for name, values in watched.where.items())
        and all(value.casefold() not in _held(record, name) for name, value in watched.skip_if.items())
        and (not watched.gaps or any(not (record.values.get(name) or "").strip() for name in watched.gaps))
    )


def _held(record: Record, name: str) -> set[str]:
    """Returns a field's text and the parts of a multi-select."""
    text = (record.values.get(name) or "").casefold()
    return {text, *text.split(";")}
