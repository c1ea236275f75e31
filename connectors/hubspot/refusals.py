"""Reads HubSpot's error bodies. Pure.

Every member of an error body may be missing, and the names of refused properties may be in ``errors[]``, in
``context`` or as JSON text inside ``message``. Nothing of a message is kept but names, codes and ids.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.bodies import count
from connectors.errors import (
    UNFIT,
    AccessError,
    ConflictError,
    ConnectorError,
    CrmWord,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.hubspot.paths import TYPES
from connectors.limits import Notice
from connectors.models import RefusalKind, Reply
from connectors.operations import Operation, Repeat
from connectors.refusal_kinds import by_word, kind_of, word_of
from connectors.replies import ReplyReading, json_of, retry_after, sent_a_page

TAKEN = frozenset({
    "CONFLICTING_UNIQUE_VALUE", "DUPLICATE_UNIQUE_PROPERTY_VALUE", "CONTACT_EXISTS", "CONFLICT",
    "OBJECT_ALREADY_EXISTS",
})  # fmt: skip
KINDS = by_word((
    (RefusalKind.VALUE, ("INVALID_EMAIL", "INVALID_OPTION", "INVALID_INTEGER", "INVALID_LONG", "INVALID_DATE")),
    (RefusalKind.ACCESS, ("READ_ONLY_VALUE", "PROPERTY_DOESNT_EXIST", "PROPERTY_ARCHIVED")),
    (RefusalKind.DUPLICATE, (
        "CONFLICTING_UNIQUE_VALUE", "DUPLICATE_UNIQUE_PROPERTY_VALUE", "CONTACT_EXISTS", "CONFLICT",
        "OBJECT_ALREADY_EXISTS",
    )),
    (RefusalKind.RULE, ("MISSING_CONDITIONAL_REQUIRED_PROPERTY", "MISSING_REQUIRED_PROPERTY", "REQUIRED_PROPERTY")),
    (RefusalKind.UNKNOWN, ("VALIDATION_ERROR",)),
))  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_.]{1,120}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,60}")
_EXISTING = re.compile(r"Existing ID:\s*(\d+)")
_PASSING = re.compile(
    r"\b(?:try again|retry|concurrent\w*|being (?:updat|modifi|chang|process|merg)ed|in progress|locked)\b",
    re.IGNORECASE,
)
_NO_PROPERTY = re.compile(r"""Property ["']?([a-z0-9_]+)["']? does not exist""")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Holds one refusal. ``faults`` are (property, code) pairs in the body's order.

    Names ``""`` if a code names none.
    """

    category: str = ""
    sub_category: str = ""
    policy: str = ""
    faults: tuple[tuple[str, str], ...] = ()
    existing_id: str = ""
    scopes: tuple[str, ...] = ()
    message: str = field(default="", repr=False)
    minor: bool = False  # the message speaks of a limit per second

    @property
    def properties(self) -> tuple[str, ...]:
        """Returns the properties named, once each."""
        return tuple(dict.fromkeys(name for name, _ in self.faults if name))

    @property
    def hopeless(self) -> frozenset[str]:
        """Returns properties that no value would suit."""
        return frozenset(name for name, code in self.faults if name and kind_of(code, KINDS) is RefusalKind.ACCESS)

    @property
    def code(self) -> str:
        """Returns the most telling word of the body."""
        return next((code for _, code in self.faults if code), self.sub_category or self.category)

    @property
    def is_passing(self) -> bool:
        """Tells whether a conflict does not concern values: somebody else is writing the same row just now."""
        return not self.existing_id and not self.properties and bool(_PASSING.search(self.message))


def refusal(body: bytes) -> Refusal:
    """Reads an error body; gives an empty refusal when it is not one."""
    try:
        raw = json_of(body)
    except ValueError:
        return Refusal()
    return refusal_of(raw) if isinstance(raw, dict) else Refusal()


def refusal_of(raw: Mapping[str, Any]) -> Refusal:
    """Reads an error: a whole body, or the part of a batch's reply about some of its rows."""
    message = _text(raw, "message")
    category = _text(raw, "category") or _text(raw, "errorType") or _text(raw, "error") or _text(raw, "status")
    return Refusal(
        category=category if _CODE.fullmatch(category) else "",
        sub_category=_word(raw, "subCategory"),
        policy=_text(raw, "policyName"),
        faults=tuple(_faults(raw, message)),
        existing_id=_existing(raw, message),
        scopes=tuple(_scopes(raw)),
        message=_sentence(raw, message),
        minor="secondly limit" in message and "ten_secondly" not in message,
    )


def _faults(raw: Mapping[str, Any], message: str) -> Iterator[tuple[str, str]]:
    for item in _items(raw.get("errors")):
        code = _word(item, "code") or _word(item, "error") or _word(item, "subCategory")
        names = [*_listed(item, "propertyName"), *_names(item.get("name")), *_names(item.get("in"))]
        match = _NO_PROPERTY.search(_text(item, "message"))
        names = names or ([match[1]] if match else [])
        inner = list(_inner(_text(item, "message")))
        yield from inner
        if names or not inner:
            yield from ((name, code) for name in names or [""])
    code = _word(raw, "subCategory")
    yield from ((name, code) for name in _listed(raw, "propertyName"))
    yield from _inner(message)
    match = _NO_PROPERTY.search(message)
    if match:
        yield match[1], "PROPERTY_DOESNT_EXIST"


def _inner(message: str) -> Iterator[tuple[str, str]]:
    """Yields the list that is JSON text inside a message."""
    start = message.find("[{")
    if start < 0:
        return
    try:
        listed, _ = json.JSONDecoder().raw_decode(message[start:])
    except (ValueError, RecursionError):
        return
    for item in _items(listed):
        names = _names(item.get("name"))
        if names:
            yield names[0], _word(item, "error") or _word(item, "code")


def _existing(raw: Mapping[str, Any], message: str) -> str:
    for text in (message, *(_text(item, "message") for item in _items(raw.get("errors")))):
        match = _EXISTING.search(text)
        if match:
            return match[1]
    for item in (raw, *_items(raw.get("errors"))):
        for existing in _listed(item, "existingId"):
            if existing.isdigit():
                return existing
    profile = raw.get("identityProfile")
    vid = profile.get("vid") if isinstance(profile, dict) else None
    return str(vid) if isinstance(vid, int) else ""


def _sentence(raw: Mapping[str, Any], message: str) -> str:
    """Returns the sentence meant for people.

    That of the first error inside, without the JSON that a message may hold.
    """
    inner = next((text for item in _items(raw.get("errors")) if (text := _text(item, "message"))), message)
    start = inner.find("[{")
    if start < 0:
        return inner
    with contextlib.suppress(ValueError, RecursionError):
        listed, _ = json.JSONDecoder().raw_decode(inner[start:])
        return next((text for item in _items(listed) if (text := _text(item, "message"))), inner[:start])
    return inner[:start]


def _scopes(raw: Mapping[str, Any]) -> Iterator[str]:
    for item in (raw, *_items(raw.get("errors"))):
        yield from (scope for scope in _listed(item, "requiredGranularScopes") if _NAME.fullmatch(scope))


def _listed(item: Mapping[str, Any], key: str) -> list[str]:
    context = item.get("context")
    values = context.get(key) if isinstance(context, dict) else None
    return [str(value) for value in values] if isinstance(values, list) else []


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) and _NAME.fullmatch(value) else []


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _word(item: Mapping[str, Any], key: str) -> str:
    word = _text(item, key).rpartition(".")[2]  # "crm.associations.ASSOCIATION_LIMIT_EXCEEDED"
    return word if _CODE.fullmatch(word) else ""


# ---- the portal's way of the common table -------------------------------------------------------------------------


def reading(vendor: str, reserve: float, api_version: str = "") -> ReplyReading:
    """Tells how HubSpot's replies differ. ``reserve`` is the share of the day left to the customer's other apps."""

    def refused(operation: Operation, reply: Reply) -> ConnectorError | None:
        is_read = operation.repeat is Repeat.SAFE
        if reply.status < 400 or reply.status >= 500 or (is_read and reply.status in operation.misses):
            return None
        if page := sent_a_page(vendor, operation, reply):
            return page
        said = refusal(reply.body)
        args = (vendor, operation.name, reply.status, request_id(reply))
        if reply.status == 403 and (said.scopes or said.category == "MISSING_SCOPES"):
            scopes = ", ".join(said.scopes) or scope_of(operation)
            return AccessError(*args, code="MISSING_SCOPES", hint=f"give the token the scopes {scopes}")
        if reply.status == 403 and (is_read or not said.properties):
            return None
        if reply.status in operation.misses:
            return None
        if reply.status == 409 and said.is_passing:
            return UnavailableError(*args, retry_after_s=pause(reply), code=said.code)
        if reply.status == 410:
            hint = f"the portal does not answer API version {api_version}: set crm.{vendor}.api_version to a newer one"
            return AccessError(*args, code=said.code or "GONE", hint=hint)
        if reply.status in {400, 409} and (reply.status == 409 or TAKEN & {said.category, *_codes(said)}):
            object = next((word for word, kind in TYPES.items() if operation.name.startswith(f"{kind}.")), "")
            existing = ((object, said.existing_id),) if said.existing_id else ()
            return ConflictError(*args, existing=existing, code=said.code)
        if reply.status in UNFIT and _is_question(operation):
            return _unasked(args, said)
        if reply.status == 404:
            return NotFoundError(*args, code=said.code)
        if reply.status in {400, 403}:
            word = word_of(said.code, KINDS, said.message)
            if reply.status == 403:
                word = CrmWord(RefusalKind.ACCESS, word.words)
            return RejectedError(*args, fields=said.properties, code=said.code, said=word)
        return None

    def notices(_operation: Operation, reply: Reply) -> Mapping[str, Notice]:
        return {"": notice} if (notice := _tight(reply.headers, reserve)) else {}

    return ReplyReading(
        statuses={477: UnavailableError, 429: RateLimitedError},
        refusal=refused,
        code=lambda reply: refusal(reply.body).policy or refusal(reply.body).code,
        pause=pause,
        notices=notices,
        calm=frozenset({525, 526}),
    )


def _is_question(operation: Operation) -> bool:
    """Tells whether a call asks for something other than a row's values: definitions, rows by their ids, changes."""
    asks = operation.method == "GET" or operation.name.endswith((".batch_read", ".search", ".linked_contacts"))
    return asks and not operation.by_values


def _unasked(args: tuple[str, str, int, str], said: Refusal) -> ConnectorError:
    """Returns the meaning of a refused question: never a row's fault, so the portal's for a while, or ours."""
    if kind_of(said.code, KINDS, said.message) is RefusalKind.ORG:
        return UnavailableError(*args, code=said.code)
    if lost := ", ".join(said.properties):
        return AccessError(*args, code=said.code, hint=f"the portal has no {lost}: create it or change the mapping")
    return AccessError(*args, code=said.code, hint="the portal refuses one of our queries: run refill check")


def scope_of(operation: Operation) -> str:
    """Returns the scope an operation needs, for an answer that does not name it."""
    kind = next((kind for kind in TYPES.values() if f"/{kind}" in operation.path), "contacts")
    if operation.name == "properties.create":
        return f"crm.schemas.{kind}.write"
    writes = operation.name.endswith((".batch_update", ".create", ".link_company"))
    return f"crm.objects.{kind}.{'write' if writes else 'read'}"


def pause(reply: Reply) -> float | None:
    """Returns seconds to wait; HubSpot's own clients wait as long if it states nothing.

    A spent day is probed hourly. For a full rolling window the limiter waits, longer each time: its calls were spaced,
    so there is room again long before the window is empty.
    """
    asked = retry_after(reply)
    if asked is not None or reply.status not in {423, 429}:
        return asked
    if reply.status == 423:
        return 2.0
    said = refusal(reply.body)
    if said.policy == "DAILY":
        return 3600.0
    if "ten_secondly_rolling" in f"{said.policy} {said.message}".lower():
        return None
    return 1.0 if said.minor or said.policy == "SECONDLY" else 10.0


def _codes(said: Refusal) -> frozenset[str]:
    return frozenset(code for _, code in said.faults)


def request_id(reply: Reply) -> str:
    """Returns HubSpot's name for the request, ``""`` when it gives none."""
    name = reply.headers.get("x-hubspot-correlation-id", "")
    return name if re.fullmatch(r"[\w-]{1,80}", name) else ""


def _tight(headers: Mapping[str, str], reserve: float) -> Notice | None:
    """Reads a limit that comes near off the headers; most answers say nothing worth a step of the limiter."""
    day, left = _number(headers, "x-hubspot-ratelimit-daily"), _number(headers, "x-hubspot-ratelimit-daily-remaining")
    if day and left is not None and left < day * (reserve + 0.05):
        return Notice(max(0, int(left - day * reserve)), 900.0, 86_400)
    most, now = _number(headers, "x-hubspot-ratelimit-max"), _number(headers, "x-hubspot-ratelimit-remaining")
    span = _number(headers, "x-hubspot-ratelimit-interval-milliseconds") or 10_000
    if most and now is not None and now < most * 0.05:
        return Notice(now, span / 1000, span // 1000)
    return None


def _number(headers: Mapping[str, str], name: str) -> int | None:
    return count(headers.get(name, ""))
