"""Reads Salesforce's error bodies, of a whole call and of one row. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.bodies import count
from connectors.errors import (
    UNFIT,
    AccessError,
    ConflictError,
    ConnectorError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.limits import Notice
from connectors.models import RefusalKind, Reply, Write, WriteResult, Written
from connectors.operations import Operation, Repeat
from connectors.refusal_kinds import by_word, kind_of, plain_words, word_of
from connectors.replies import ReplyReading, json_of, retry_after, sent_a_page
from connectors.salesforce import access
from connectors.salesforce.ids import known_id

LOCKED = frozenset({"UNABLE_TO_LOCK_ROW"})
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", "MALFORMED_ID"})
TAKEN = frozenset({"DUPLICATES_DETECTED", "DUPLICATE_VALUE"})
AUTOMATION = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR"})
BECAME = frozenset({"CANNOT_UPDATE_CONVERTED_LEAD"})  # a read tells what
KINDS = by_word((
    (RefusalKind.VALUE, (
        "INVALID_EMAIL_ADDRESS", "STRING_TOO_LONG", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "RESTRICTED_PICKLIST",
        "FIELD_INTEGRITY_EXCEPTION", "NUMBER_OUTSIDE_VALID_RANGE", "JSON_PARSER_ERROR", "MALFORMED_ID",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
    )),
    (RefusalKind.DUPLICATE, ("DUPLICATES_DETECTED", "DUPLICATE_VALUE")),
    (RefusalKind.RULE, (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "FIELD_FILTER_VALIDATION_EXCEPTION", "REQUIRED_FIELD_MISSING",
        "ENTITY_SAVE_VALIDATION_ERROR",
    )),
    (RefusalKind.ROW, (
        "ENTITY_IS_LOCKED", "ALREADY_IN_PROCESS", "RECORD_IN_USE_BY_WORKFLOW", "DEPENDENCY_EXISTS", "NOT_FOUND",
        "INVALID_OWNER", "INVALID_EMPTY_KEY_OWNER", "INACTIVE_OWNER_OR_USER", "INVALID_CROSS_REFERENCE_KEY",
        "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", "ENTITY_IS_DELETED", "INVALID_PERSON_ACCOUNT_OPERATION",
    )),
    (RefusalKind.ACCESS, (
        "TRANSFER_REQUIRES_READ", "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "UNAVAILABLE_RECORDTYPE_EXCEPTION", "SHARE_NEEDED_FOR_CHILD_OWNER", "CHILD_SHARE_FAILS_PARENT",
        "PACKAGE_LICENSE_REQUIRED", "INVALID_PACKAGE_LICENSE", "INVALID_SESSION_ID", "TXN_SECURITY_NO_ACCESS",
        "INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "FIELD_NOT_UPDATABLE",
    )),
    (RefusalKind.ORG, (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "PROCESSING_HALTED", "APEX_ERROR",
        "STORAGE_LIMIT_EXCEEDED", "LIMIT_EXCEEDED", "ORG_LOCKED", "INSUFFICIENT_CREDITS", "FIND_DUPLICATES_ERROR",
        "REQUEST_RUNNING_TOO_LONG", "TXN_SECURITY_METERING_ERROR", "MAX_ACTIONS_PER_RULE_EXCEEDED",
    )),
    (RefusalKind.UNKNOWN, (  # the refused part is not a value
        "INVALID_OPERATION", "INVALID_TYPE_FOR_OPERATION", "INVALID_BATCH_OPERATION", "INVALID_STATUS",
    )),
))  # fmt: skip
LATER = frozenset({
    "UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "INVALID_QUERY_LOCATOR", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE",
    "UNKNOWN_EXCEPTION",
})  # fmt: skip
MAPPING = frozenset({"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY", "INVALID_FIELD_FOR_INSERT_UPDATE"})
SPENT_S = 900.0  # a spent day is rolling: look again after a quarter of an hour
CROWDED_S = 5.0  # too many calls at once, and a 429 without a delay of its own
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,80}")
_FIELD = re.compile(r"[A-Za-z]\w{0,80}", re.ASCII)
_SPELLED = re.compile(r":\s*\[([A-Za-z]\w*(?:,\s*[A-Za-z]\w*)*)\]")  # if a trigger repeats an error of its own
_OTHER = re.compile(r"\b([a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?)\b")
_PREFIXES = {"003": "contact", "00Q": "lead", "001": "company"}
_LIMIT = re.compile(r"\bapi-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Holds one error. ``words`` are the words of its message, which show the fields it names.

    ``existing`` are the rows in the way as (object, id), ``rule`` is the duplicate rule that found them.
    """

    code: str = ""
    fields: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    existing: tuple[tuple[str, str], ...] = ()
    rule: str = ""
    message: str = field(default="", repr=False)


def faults(body: bytes) -> tuple[Fault, ...]:
    """Returns the errors of a body: an array, or OAuth's single object; none when it is something else."""
    try:
        raw = json_of(body)
    except ValueError:
        return ()
    if isinstance(raw, dict):
        return (Fault(_code(raw.get("error"))),) if "error" in raw else ()
    return tuple(fault(item) for item in raw if isinstance(item, dict)) if isinstance(raw, list) else ()


def fault(item: Mapping[str, Any]) -> Fault:
    """Returns one error object; a row's code is called ``statusCode``, any other's ``errorCode``."""
    code = _code(item.get("statusCode")) or _code(item.get("errorCode"))
    listed, message = item.get("fields"), item.get("message")
    names = [name for one in listed if (name := _field(one))] if isinstance(listed, list) else []
    if not names and isinstance(message, str) and (spelled := _SPELLED.search(message)):
        names = re.split(r",\s*", spelled[1])
    words = frozenset(re.findall(r"[A-Za-z]\w*", message)) if isinstance(message, str) else frozenset()
    return Fault(
        code=code,
        fields=tuple(dict.fromkeys(other for name in names for other in (name, *_twin(name)))),
        words=words,
        existing=tuple(_existing(item, message if isinstance(message, str) else "")) if code in TAKEN else (),
        rule=_field(_duplicates(item).get("duplicateRule")),
        message=message if isinstance(message, str) else "",
    )


def _twin(name: str) -> Iterator[str]:
    """Yields the other name of a state or country if the org has picklists for them: the text's or the code's."""
    if name.endswith(("StateCode", "CountryCode")):
        yield name.removesuffix("Code")
    elif name.endswith(("State", "Country")):
        yield f"{name}Code"


def _field(value: Any) -> str:
    return value if isinstance(value, str) and _FIELD.fullmatch(value) else ""


def _code(value: Any) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _existing(item: Mapping[str, Any], message: str) -> Iterator[tuple[str, str]]:
    """Yields the conflicting rows: named at the end of a unique clash, or among the matches of a duplicate rule."""
    found = [word for word in _OTHER.findall(message) if any(c.isdigit() for c in word)]
    if found:
        yield _object_of(found[-1]), known_id(found[-1]) or found[-1]
    for match in _items(_duplicates(item).get("matchResults")):
        for row in _items(match.get("matchRecords")):
            record = row.get("record")
            id_ = record.get("Id") if isinstance(record, dict) else None
            if isinstance(id_, str) and _OTHER.fullmatch(id_):
                yield _object_of(id_), known_id(id_) or id_


def _duplicates(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Reads a duplicate rule's answer. Newer versions spell its name without the second l."""
    result = item.get("duplicateResult") or item.get("duplicateResut")
    return result if isinstance(result, dict) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _object_of(id: str) -> str:
    """Returns the object of an id, ``""`` if it is none of ours."""
    return _PREFIXES.get(id[:3], "")


def row_result(write: Write, errors: Sequence[Fault]) -> WriteResult:
    """Returns the vendor's word on one row that was not written."""
    named = _named(write, errors)
    about_ours = (one for one in errors if {*one.fields, *one.words}.intersection(named))
    first = next(about_ours, errors[0] if errors else Fault())
    if _met_a_lock(first):
        return WriteResult(Written.LOCKED, code=first.code)
    if (first.code in GONE and not named and not first.fields) or first.code in BECAME:
        return WriteResult(Written.GONE, code=first.code)
    if not first.code or first.code in LATER or first.code == "ALL_OR_NONE_OPERATION_ROLLED_BACK":
        return WriteResult(Written.UNKNOWN, code=first.code)
    kind = kind_of(first.code, KINDS, first.message)
    if kind is RefusalKind.VALUE and first.fields and not named:
        kind = RefusalKind.RULE  # the value of a property that we do not write
    return WriteResult(
        Written.INVALID,
        named,
        first.code,
        kind=kind,
        words=plain_words(first.message, write.values.values()),
        existing_id=first.existing[0][1] if first.existing else "",
    )


def _named(write: Write, errors: Sequence[Fault]) -> tuple[str, ...]:
    """Returns the written fields at fault: as listed, else as the messages spell them."""
    listed = {name for one in errors for name in one.fields}
    spoken = {word for one in errors for word in one.words}
    return tuple(n for n in write.values if n in listed) or tuple(n for n in write.values if n in spoken)


def _met_a_lock(one: Fault) -> bool:
    """Tells whether a row was locked for a moment: this one, or one that a trigger or flow of the org went on to."""
    if one.code in LOCKED:
        return True
    words = {word.lower() for word in one.words}
    return one.code in AUTOMATION and ("unable_to_lock_row" in words or {"unable", "lock"} <= words)


# ---- the org's way of the common table ----------------------------------------------------------------------------


def reading(vendor: str, reserve: float, api_version: str = "") -> ReplyReading:
    """Tells how Salesforce's replies differ. ``reserve`` is the share of the day left to the customer's other apps."""

    def refused(operation: Operation, reply: Reply) -> ConnectorError | None:
        if reply.status < 300 or reply.status >= 500:
            return None
        first = next(iter(faults(reply.body)), Fault())
        args, code = (vendor, operation.name, reply.status), first.code
        if error := access.denied(*args, code, first.words, api_version):
            return error
        if page := sent_a_page(vendor, operation, reply):
            return page
        if reply.status in operation.misses or reply.status == 401:
            return None
        if reply.status == 300:
            return ConflictError(*args, code="SEVERAL_MATCHES")
        if reply.status == 429:  # back-off, whatever its code: a used-up day is a 403
            asked = retry_after(reply)
            return RateLimitedError(*args, retry_after_s=CROWDED_S if asked is None else asked, code=code)
        if code == "REQUEST_LIMIT_EXCEEDED":
            crowd = any(word.startswith("Concurrent") for word in first.words)
            usage = _LIMIT.search(reply.headers.get("sforce-limit-info", ""))
            used = f"{usage[1]} of {usage[2]} API calls" if usage else "all API calls"
            hint = "" if crowd else f"the org has spent {used} of its day: it is asked again every quarter of an hour"
            return RateLimitedError(*args, retry_after_s=CROWDED_S if crowd else SPENT_S, code=code, hint=hint)
        if code in LATER or _met_a_lock(first):
            return UnavailableError(*args, code=code)
        if code in MAPPING:
            hint = "the org refuses a field or object of the mapping, or hides it from this user: run check"
            return AccessError(*args, code=code, hint=hint)
        if code in TAKEN:
            return ConflictError(*args, existing=first.existing, rule=first.rule, code=code)
        is_question = operation.method == "GET" and operation.name != "describe" and not operation.by_values
        said = word_of(code, KINDS, first.message)
        if (code in GONE or reply.status == 404) and not is_question:
            return NotFoundError(*args, fields=first.fields, code=code)
        if reply.status in UNFIT and is_question:
            if said.kind is RefusalKind.ORG:
                return UnavailableError(*args, code=code)
            return AccessError(*args, code=code, hint="the org refuses one of our queries: run refill check")
        of_a_row = code in KINDS and operation.repeat is Repeat.CREATES
        if reply.status == 400 or (reply.status == 403 and of_a_row):
            return RejectedError(*args, fields=first.fields, code=code, said=said)
        return None

    def notices(_operation: Operation, reply: Reply) -> Mapping[str, Notice]:
        match = _LIMIT.search(reply.headers.get("sforce-limit-info", ""))
        if match is None:
            return {}
        used, most = count(match[1]) or 0, count(match[2]) or 0
        left = int(most * (1 - reserve)) - used
        if left > most * 0.05:  # most answers say nothing worth a step of the limiter
            return {}
        return {"": Notice(max(0, left), SPENT_S, 86_400)}

    return ReplyReading(
        refusal=refused, code=lambda reply: next(iter(faults(reply.body)), Fault()).code, notices=notices
    )
