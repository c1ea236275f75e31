"""Names the keys that belong to the work of one (crm, object)."""

from __future__ import annotations

from worker.ledger.scripts import Scripts

CHUNK = 1_000  # ids per script call, so that no call holds Redis for long


class WorkPart:
    """Holds the common parts of the work of one (crm, object)."""

    def __init__(self, scripts: Scripts, crm: str, object: str) -> None:
        self._scripts = scripts
        self.crm = crm
        self.object = object

    def _key(self, name: str, *parts: str) -> str:
        return self._scripts.keys(name, self.crm, self.object, *parts)
