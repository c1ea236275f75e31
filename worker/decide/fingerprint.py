"""What a settled record is remembered by: while it stays the same, there is nothing to look at again."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from worker.decide.policy import Policy
from worker.decide.record import View

LENGTH = 12


def fingerprint(view: View, policy: Policy) -> str:
    """Twelve hex digits over identity, open gaps and policy, and over any change since a value was refused.

    Taken after the push of the record as it then is, so that our own write reads as nothing new.
    """
    told = [
        [getattr(view.identity, slot.name).casefold() for slot in dataclasses.fields(view.identity)],
        sorted(view.domains),
        sorted(view.gaps),
        policy.digest,
        *([view.changed_since] if view.changed_since else []),
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:LENGTH]
