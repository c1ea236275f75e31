"""Keeps signals: facts for a person's attention that are never written. Each is journalled once per record."""

from __future__ import annotations

import hashlib

from worker.ledger.compact_json import packed
from worker.ledger.scripts import Scripts


class Signals:
    """Tells a signal once; again only when it says something else."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def tell(self, crm: str, object: str, id: str, run: str, what: str, entry: str) -> bool:
        """Journals ``entry`` unless ``what`` was the record's last signal; tells whether it was new."""
        digest = hashlib.sha256(what.encode()).hexdigest()[:16]
        where = {"crm": crm, "object": object, "id": id, "run": run}
        return bool(await self._scripts.run("signal_tell", **where, digest=digest, entry=packed(entry)))

    async def forget(self, crm: str, object: str, id: str) -> None:
        await self._scripts.call("HDEL", self._scripts.keys("signals", crm, object), id)
