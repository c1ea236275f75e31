"""Reads HubSpot's webhooks: the signature of a post, and the meaning of its events. Pure.

Source: webhooks and request validation, read 2026-11-20. Events come in arrays of up to 100, at least once and in no
order; ``eventId`` is not unique.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

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
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=")
_MOST = 2**53  # larger numbers are not HubSpot's, and would lose digits on their way


@lru_cache(maxsize=256)
def signed_uri(uri: str) -> str:
    """Returns an address as HubSpot signs it."""
    return _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], uri)


def signature(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Returns the v3 signature of a request, over its unchanged address."""
    source = b"".join((method.encode(), uri.encode(), body, timestamp.encode()))
    return base64.b64encode(hmac.digest(secret.encode(), source, "sha256")).decode()


def is_timely(timestamp: str, now_ms: int) -> bool:
    """Tells whether a request with this timestamp, in the text it came in, may still be looked at."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        return False
    return abs(now_ms - int(timestamp)) <= WINDOW_MS


def has_form(given: str) -> bool:
    """Tells whether a text could be a signature at all; any other is refused before the body is read."""
    return _SIGNATURE.fullmatch(given) is not None


def is_signed(secrets: Iterable[str], given: str, method: str, uri: str, body: bytes, timestamp: str) -> bool:
    """Tells whether any of ``secrets`` gave the signature; all are tried, even if the first one fits.

    The guide signs a decoded address, the vendor's own libraries the unchanged one: both are accepted.
    """
    got, good = given.encode("utf-8", "surrogateescape"), False
    for secret in secrets:
        for spelling in dict.fromkeys((uri, signed_uri(uri))):
            good |= hmac.compare_digest(signature(secret, method, spelling, body, timestamp).encode(), got)
    return good


class Kind(StrEnum):
    """Names the kinds of events."""

    CREATION = "creation"
    CHANGE = "propertyChange"
    MERGE = "merge"
    DELETION = "deletion"
    ERASURE = "privacyDeletion"
    RESTORE = "restore"
    ASSOCIATION = "associationChange"


_OF_ONE = frozenset(Kind) - {Kind.MERGE, Kind.ASSOCIATION}
_KINDS = {kind.value: kind for kind in Kind}


def written_by(app_id: int) -> str:
    """Returns the writer of an event that an app caused itself."""
    return f"INTEGRATION:{app_id}"


class What(msgspec.Struct, frozen=True):
    """Describes an event: its kind, the object and the writer; ``portal_id`` is 0 if it is unknown."""

    kind: Kind
    object: str
    property: str
    portal_id: int
    writer: str
    is_of_one: bool  # record


_Scalar = str | int | float | bool | None
Marks = tuple[_Scalar, ...]


class Event(msgspec.Struct, gc=False, rename="camel"):
    subscription_type: _Scalar = None
    event_type: _Scalar = None
    object_type_id: _Scalar = None
    object_id: _Scalar = None
    portal_id: _Scalar = None
    occurred_at: _Scalar = None
    property_name: _Scalar = None
    change_source: _Scalar = None
    source_id: _Scalar = None
    new_object_id: _Scalar = None
    primary_object_id: _Scalar = None
    merged_object_ids: Any = None
    association_type: _Scalar = None
    from_object_id: _Scalar = None
    to_object_id: _Scalar = None

    @property
    def marks(self) -> Marks:
        """Returns a key equal for events with the same ``what``: a post has a hundred events and few of these."""
        return (
            self.subscription_type,
            self.property_name,
            self.source_id,
            self.change_source,
            self.portal_id,
            self.object_type_id,
            self.event_type,
        )

    @property
    def what(self) -> What | None:
        """Returns the event, ``None`` if it is not one of ours."""
        subject, _, happened = str(self.subscription_type or self.event_type).partition(".")
        object_ = _OBJECTS.get(str(self.object_type_id) if subject == "object" else subject)
        kind = _KINDS.get(happened)
        if object_ is None or kind is None:
            return None
        name = self.property_name if isinstance(self.property_name, str) else ""
        return What(
            kind, object_, name, number(self.portal_id), f"{self.change_source}:{self.source_id}", kind in _OF_ONE
        )

    def ids(self, what: What) -> tuple[str, ...]:
        if what.is_of_one:  # nearly all
            one = number(self.object_id)
            return (str(one),) if one else ()
        named = map(number, self._named(what))
        return tuple(dict.fromkeys(str(one) for one in named if one))

    def _named(self, what: What) -> Sequence[Any]:
        """Returns the members that hold the ids, as they came."""
        if what.kind is Kind.MERGE:
            merged = self.merged_object_ids
            survivors = (self.new_object_id, self.primary_object_id, self.object_id)
            return (*survivors, *(merged[:MOST_EVENTS] if isinstance(merged, list) else ()))
        first, _, second = str(self.association_type).upper().partition("_TO_")
        ends = ((first, self.from_object_id), (second.split("_", 1)[0], self.to_object_id))
        mine = [end for side, end in ends if side == what.object.upper()]
        return mine or (self.from_object_id,)


_POST: msgspec.json.Decoder[list[Event]] = msgspec.json.Decoder(list[Event])


def events(body: bytes) -> list[Event]:
    """Returns the events of a post in its order, an empty one for what cannot be read.

    Raises:
        ValueError: the post is not JSON, not an array of events, or holds too many.
    """
    try:
        posted = _read(body)
    except (ValueError, RecursionError):
        raise ValueError("not an array of JSON objects") from None
    if len(posted) > MOST_EVENTS:
        raise ValueError("more than 100 events")
    return posted


def _read(body: bytes) -> list[Event]:
    try:
        return _POST.decode(body)
    except msgspec.DecodeError:  # not an event, such as a text cut inside a pair; the others count
        posted = json.loads(body.decode("utf-8", "replace"), parse_constant=_refused)
    if not isinstance(posted, list):
        raise ValueError("no array")  # noqa: TRY004  # one class for whatever is no post
    return [_converted(one) for one in posted]


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)


def _converted(raw: Any) -> Event:
    try:
        return msgspec.convert(raw, Event)
    except msgspec.ValidationError:
        return Event()


def number(value: Any) -> int:
    """Returns a positive integer, even if a later version writes it as text; 0 for anything else."""
    if type(value) is int:
        return value if 0 < value < _MOST else 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        return int(value) if int(value) < _MOST else 0
    return 0
