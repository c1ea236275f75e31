"""Makes a settled record's fingerprint: while it stays the same, there is nothing to look at again."""

from __future__ import annotations

import hashlib
import json

from worker.decide.policy import Policy
from worker.decide.record import View

LENGTH = 12


def fingerprint(view: View, policy: Policy) -> str:
    """Returns twelve hex digits over identity, open gaps and policy, and over any change since a value was refused.

    What else could prove the person counts, too: one more address or number may settle who somebody is.

    Taken after the push of the record as it then is, so that our own write reads as nothing new.
    """
    who = view.identity
    evidence = (view.facts.emails | view.facts.numbers) - {who.email, who.phone}
    parts = [
        [one.casefold() for one in (who.slug, who.email, who.phone, who.first_name, who.last_name, who.domain)],
        sorted(view.domains),
        sorted(view.gaps),
        policy.digest,
        *([view.changed_since] if view.changed_since else []),
        *([sorted(evidence)] if evidence else []),
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:LENGTH]


def planned_mark(view: View, policy: Policy) -> str:
    """Returns what stands for a record that a plan was made of: its fingerprint, and what its gaps hold.

    A gap that may be written over holds a value; the plan showed it as what was there before.
    """
    held = [[name, view.held[name]] for name in sorted(view.gaps) if view.held.get(name)]
    parts = [str(view.skip or ""), held]
    digest = hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:LENGTH]
    return f"{fingerprint(view, policy)}{digest}"
