"""HubSpot's webhooks: who signed a post, and what its events speak of. Pure.

Source: webhooks and request validation, read 2026-11-20. Events come in arrays of up to 100, at least once and in no
order; ``eventId`` is not unique.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SIGNATURE, TIMESTAMP = "x-hubspot-signature-v3", "x-hubspot-request-timestamp"
WINDOW_MS = 300_000
MOST_EVENTS = 100

# The only escapes that HubSpot decodes before it signs an address; everything else stays encoded.
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("|".join(_DECODED), re.IGNORECASE)
_OBJECTS = {"contact": "contact", "company": "company", "0-1": "contact", "0-2": "company"}
_MOST = 2**53  # larger numbers are none of HubSpot's, and would lose digits on their way


def signed_uri(uri: str) -> str:
    """An address as HubSpot signs it."""
    return _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], uri)


def signature(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """The v3 signature of a request, over its address as it stands."""
    source = b"".join((method.encode(), uri.encode(), body, timestamp.encode()))
    return base64.b64encode(hmac.new(secret.encode(), source, hashlib.sha256).digest()).decode()


def is_timely(timestamp: str, now_ms: int) -> bool:
    """Whether a request with this timestamp, in the text it came in, may still be looked at."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        return False
    return abs(now_ms - int(timestamp)) <= WINDOW_MS


def is_signed(secrets: Iterable[str], given: str, method: str, uri: str, body: bytes, timestamp: str) -> bool:
    """Whether any of ``secrets`` gave the signature; all are tried, whatever the first says.

    The guide signs a decoded address, the vendor's own libraries one as it stands: both are taken.
    """
    got, good = given.encode("utf-8", "surrogateescape"), False
    for secret in secrets:
        for spelling in dict.fromkeys((uri, signed_uri(uri))):
            good |= hmac.compare_digest(signature(secret, method, spelling, body, timestamp).encode(), got)
    return good


class Kind(StrEnum):
    """What an event says has happened."""

    CREATION = "creation"
    CHANGE = "propertyChange"
    MERGE = "merge"
    DELETION = "deletion"
    ERASURE = "privacyDeletion"
    RESTORE = "restore"
    ASSOCIATION = "associationChange"


_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``ids`` are all records it speaks of, ``object`` is ours; ``at`` is HubSpot's ms, 0 when not told."""

    kind: Kind
    object: str
    ids: tuple[str, ...]
    portal_id: int
    at: int = 0
    property: str = ""
    writer: str = ""

    def is_by(self, app_id: int | None) -> bool:
        """Whether our own app caused it."""
        return app_id is not None and self.writer == f"INTEGRATION:{app_id}"


def events(body: Any) -> list[Event | None]:
    """The events of a post in its order; ``None`` for what is none of ours or cannot be read.

    Raises:
        ValueError: the post is no array of events, or holds too many.
    """
    if not isinstance(body, list) or len(body) > MOST_EVENTS:
        raise ValueError("not an array of up to 100 events")
    return [_event(one) if isinstance(one, Mapping) else None for one in body]


def _event(raw: Mapping[str, Any]) -> Event | None:
    told = raw.get("subscriptionType") or raw.get("eventType")
    subject, _, what = told.partition(".") if isinstance(told, str) else ("", "", "")
    if subject == "object":
        subject = str(raw.get("objectTypeId"))
    object_ = _OBJECTS.get(subject)
    kind = _KINDS.get(what)
    if object_ is None or kind is None:
        return None
    ids = tuple(dict.fromkeys(str(number) for number in map(_number, _named(kind, object_, raw)) if number))
    if not ids:
        return None
    name = raw.get("propertyName")
    return Event(
        kind=kind,
        object=object_,
        ids=ids,
        portal_id=_number(raw.get("portalId")),
        at=_number(raw.get("occurredAt")),
        property=name if isinstance(name, str) else "",
        writer=f"{raw.get('changeSource')}:{raw.get('sourceId')}",
    )


def _named(kind: Kind, object: str, raw: Mapping[str, Any]) -> Sequence[Any]:
    """The members that hold the ids of ``object``."""
    if kind is Kind.MERGE:
        merged = raw.get("mergedObjectIds")
        survivors = (raw.get("newObjectId"), raw.get("primaryObjectId"), raw.get("objectId"))
        return (*survivors, *(merged[:MOST_EVENTS] if isinstance(merged, list) else ()))
    if kind is Kind.ASSOCIATION:
        first, _, second = str(raw.get("associationType")).upper().partition("_TO_")
        ends = ((first, raw.get("fromObjectId")), (second.split("_", 1)[0], raw.get("toObjectId")))
        told = [end for side, end in ends if side == object.upper()]
        return told or (raw.get("fromObjectId"),)
    return (raw.get("objectId"),)


def _number(value: Any) -> int:
    """A positive integer, also where a later version writes it as text; 0 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST else 0
