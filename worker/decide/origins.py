"""Tells the origin of a dead letter, and so who can fix it, from the reason it was buried with."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache


class TroubleOrigin(StrEnum):
    """Names the origins of trouble, in the order in which people look at them."""

    CONFIGURATION = "configuration"
    CRM_RULE = "CRM rule"
    VENDOR = "vendor"
    TRANSIENT = "transient"
    OURS = "Refill"

    @property
    def advice(self) -> str:
        """Returns what ends it, before the records are looked at again."""
        return _ADVICE[self]


_ADVICE = {
    TroubleOrigin.CONFIGURATION: "A credential, a scope or a property is missing: add it, then run refill check.",
    TroubleOrigin.CRM_RULE: "A rule of the CRM refuses the change: change the rule or the record.",
    TroubleOrigin.VENDOR: "The vendor gave an unexpected answer: see its status page, or report it.",
    TroubleOrigin.TRANSIENT: "It failed eight times in a row and may well work now.",
    TroubleOrigin.OURS: "A bug in Refill: the log has the traceback. Please report it.",
}
_PASSING = frozenset({"UnavailableError", "OutcomeUnknownError", "RateLimitedError", "StaleReadError", "overdue"})
_SETTING = re.compile(r"refill (check|setup)|permission|scope|credential|access|property|not allowed", re.IGNORECASE)
_OURS = re.compile(r"[A-Z]\w*(Error|Exception)|crashed")
_REQUEST = re.compile(r", request [^,:]+")
_ID = re.compile(r"\b(?=\w*\d)[\w-]{5,}\b")


@lru_cache(maxsize=50_000)
def origin_of(reason: str) -> TroubleOrigin:
    """Returns the origin of a dead letter's reason."""
    if reason in _PASSING:
        return TroubleOrigin.TRANSIENT
    if ", contract" in reason or reason == "ContractError":
        return TroubleOrigin.VENDOR
    if _OURS.fullmatch(reason):
        return TroubleOrigin.OURS
    return TroubleOrigin.CONFIGURATION if _SETTING.search(reason) else TroubleOrigin.CRM_RULE


@lru_cache(maxsize=50_000)
def cause_of(reason: str) -> str:
    """Returns a reason without the parts of a single record, so that equal ones are grouped."""
    return _ID.sub("…", _REQUEST.sub("", reason))
