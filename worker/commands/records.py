"""Tells whether a record that a command names exists, by its crm's own word."""

from __future__ import annotations

from connectors.models import Fate
from worker.service.opening import open_crm
from worker.service.runtime import Runtime


async def missing(runtime: Runtime, crm: str, object: str, id: str) -> str:
    """Returns the sentence for a record that does not exist, ``""`` if it does or was merged into another.

    Raises:
        ConnectorError: the crm cannot be opened or read.
    """
    if (crm, object) not in runtime.undoable:
        await open_crm(runtime, crm)
    watch = runtime.undoable[crm, object]
    found = (await watch.vendor.read(watch.watched, [id]))[id]
    return nowhere(crm, object, id) if found.fate is Fate.GONE else ""


def nowhere(crm: str, object: str, id: str) -> str:
    """Says that there is no such record, or that our user may not see it."""
    return f"{crm} has no {object} {id}: it was never there, was deleted, or our user may not see it"
