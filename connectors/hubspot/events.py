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
from enum import StrEnum
from typing import Any, NamedTuple

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


class Event(NamedTuple):
    """One event. ``ids`` are all records it speaks of, ``object`` is ours; ``at`` is HubSpot's ms, 0 when not told."""

    kind: Kind
    object: str
    ids: tuple[str, ...]
    portal_id: int
    at: int = 0
    property: str = ""
    writer: str = ""


def written_by(app_id: int) -> str:
    """The writer of an event that an app caused itself."""
    return f"INTEGRATION:{app_id}"


def events(body: Any) -> list[Event | None]:
    """The events of a post in its order; ``None`` for what is none of ours or cannot be read.

    Raises:
        ValueError: the post is no array of events, or holds too many.
    """
    if not isinstance(body, list) or len(body) > MOST_EVENTS:
        raise ValueError("not an array of up to 100 events")
    return [_event(one) if isinstance(one, dict) else None for one in body]


def _event(raw: Mapping[str, Any]) -> Event | None:
    kind, object_ = _subject(raw.get("subscriptionType") or raw.get("eventType"), raw.get("objectTypeId"))
    if kind is None:
        return None
    if kind is Kind.CHANGE or kind is Kind.CREATION:  # nearly all of them
        number = _number(raw.get("objectId"))
        ids: tuple[str, ...] = (str(number),) if number else ()
    else:
        ids = tuple(dict.fromkeys(str(number) for number in map(_number, _named(kind, object_, raw)) if number))
    if not ids:
        return None
    name = raw.get("propertyName")
    return Event(
        kind,
        object_,
        ids,
        _number(raw.get("portalId")),
        _number(raw.get("occurredAt")),
        name if isinstance(name, str) else "",
        f"{raw.get('changeSource')}:{raw.get('sourceId')}",
    )


def _subject(told: Any, type_id: Any) -> tuple[Kind | None, str]:
    """What has happened to which object of ours; ``None`` when it is none of either."""
    if not isinstance(told, str):
        return None, ""
    subject, _, what = told.partition(".")
    object_ = _OBJECTS.get(str(type_id) if subject == "object" else subject)
    return (_KINDS.get(what), object_) if object_ else (None, "")


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
    if type(value) is int:
        return value if 0 < value < _MOST else 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        return int(value) if int(value) < _MOST else 0
    return 0
