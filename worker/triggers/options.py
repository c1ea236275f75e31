"""Notices options that a property has gained or lost, so that records whose values wait for one become due.

What the options were is kept in Redis: one that is added while no worker runs is noticed by the next.
"""

from __future__ import annotations

import json

from worker.ledger.rates.cursors import Cursors
from worker.visits.watch import Watch


class OptionRounds:
    """Names properties whose options have changed, until a round over all settled records has included them.

    ``known`` are digests of options that a whole round has covered, ``begun`` those of rounds under way, with the
    bucket at which each began.
    """

    def __init__(self, watch: Watch, cursors: Cursors) -> None:
        self._watch, self._cursors = watch, cursors
        self._name = f"options:{watch.crm}:{watch.object}"
        self._kept = ""
        self._known: dict[str, str] = {}
        self._begun: dict[str, tuple[str, int]] = {}

    async def news(self, first: int) -> frozenset[str]:
        """Returns the properties whose options have changed; a round that notices them first begins at ``first``."""
        self._kept = await self._cursors.get(self._name)
        known, begun = json.loads(self._kept) if self._kept else ({}, {})
        now = self._watch.options()
        self._known = {name: known.get(name, digest) for name, digest in now.items()}
        changed = {name: digest for name, digest in now.items() if digest != self._known[name]}
        kept = {name: (digest, at) for name, (digest, at) in begun.items() if changed.get(name) == digest}
        self._begun = {name: kept.get(name, (digest, first)) for name, digest in changed.items()}
        return frozenset(changed)

    async def passed(self, following: int) -> None:
        """Note that the round has come to ``following``: one that began there is over, unless the work was full."""
        over = {name: digest for name, (digest, at) in self._begun.items() if at == following}
        if over and await self._watch.work.room():
            self._known |= over
            self._begun = {name: one for name, one in self._begun.items() if name not in over}
        text = json.dumps([self._known, self._begun], separators=(",", ":")) if self._known else ""
        if text != self._kept:
            await self._cursors.set(self._name, text)
