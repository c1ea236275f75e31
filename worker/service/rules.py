"""Tells whether the processes on one Redis have the same rules: the fields to fill, their providers, their prices.

During a rollout they differ for a while. For longer it means a forgotten restart, or two installations that nothing
else tells apart: the same portal, the same account, no name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from config.settings import Settings
from worker.ledger.rates.timetable import Beat

KEY = "rules"  # in the sign of life of a worker


def rules_of(settings: Settings) -> dict[str, str]:
    """Returns a short hash of each table that records are handled by; secrets are not in it."""
    tables = {f"crm.{name}": crm.model_dump_json() for name, crm in settings.crm.items()}
    tables |= {f"providers.{name}": one.model_dump_json() for name, one in settings.providers.paid.items()}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in tables.items()}


def differing(mine: Mapping[str, str], beats: Iterable[Beat]) -> dict[str, list[str]]:
    """Returns the tables that living workers have otherwise, or have and we have not, with those workers' names."""
    found: dict[str, list[str]] = {}
    for beat in beats:
        theirs: Mapping[str, str] = beat.info.get(KEY, mine)  # a worker of an earlier version tells none
        for name in sorted({*mine, *theirs}):
            if mine.get(name) != theirs.get(name):
                found.setdefault(name, []).append(beat.owner)
    return found


def sentence(found: Mapping[str, list[str]]) -> str:
    workers = sorted({owner for owners in found.values() for owner in owners})
    verb = "differs" if len(found) == 1 else "differ"
    return f"{', '.join(sorted(found))} {verb} from the configuration of running workers ({', '.join(workers)})"
