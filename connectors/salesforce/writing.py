"""Writes one unit of updates: Collections, or Composite of conditional updates if the configuration is strict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Any

from connectors.errors import ConnectorError, ContractError, StaleReadError
from connectors.models import Reply, Write, WriteResult, Written
from connectors.salesforce.records import TABLES, Schema, body_of
from connectors.salesforce.refusals import Fault, fault, faults, row_result

ROWS, CONDITIONAL_ROWS = 200, 25
NO_ASSIGNMENT = {"Sforce-Auto-Assign": "FALSE"}  # an update of ours must not hand a lead to somebody else
Results = Mapping[str, WriteResult]
Send = Callable[[Sequence[Write]], Awaitable[Reply]]
Read = Callable[[Sequence[Write], Reply], Results]


async def written(writes: Sequence[Write], size: int, send: Send, read: Read) -> Results:
    """Returns the word on every write, in calls of ``size`` rows; each row is sent once at the most.

    Raises:
        ConnectorError: the first call failed, so nothing is known to be written. Later failures leave UNKNOWN.
    """
    results: dict[str, WriteResult] = {}
    whole = coalesced(writes)
    for start in range(0, len(whole), size):
        part = whole[start : start + size]
        try:
            reply = await send(part)
        except StaleReadError:
            if not results:
                raise
            results |= {write.id: WriteResult(Written.SPLIT) for write in part}
        except ConnectorError:
            if not results:
                raise
            results |= {write.id: WriteResult(Written.UNKNOWN) for write in part}
        else:
            results |= refused(part, faults(reply.body)) if reply.status >= 400 else read(part, reply)
    return results


def coalesced(writes: Sequence[Write]) -> list[Write]:
    """Returns one write per id; the later value of a field wins, and the earlier look counts for the condition."""
    by_id: dict[str, Write] = {}
    for write in writes:
        held = by_id.get(write.id)
        seen = write.seen if held is None else min(held.seen, write.seen)
        by_id[write.id] = Write(write.id, {**(held.values if held else {}), **write.values}, seen)
    return list(by_id.values())


def refused(part: Sequence[Write], errors: Sequence[Fault]) -> Results:
    """Returns the word on the rows of a call refused as a whole.

    Those with a field it names are at fault, else halves.
    """
    named = {name for one in errors for name in (*one.fields, *one.words)}
    bad = {write.id for write in part if len(part) == 1 or named & write.values.keys()}
    later = {write.id for write in part[len(part) // 2 :]} if not bad else set()
    return {
        write.id: row_result(write, errors or (Fault("REFUSED"),))
        if write.id in bad
        else WriteResult(Written.SPLIT, part=int(write.id in later))
        for write in part
    }


def collection_body(object: str, part: Sequence[Write], schema: Schema) -> dict[str, Any]:
    """Returns up to 200 rows, each for itself."""
    table = TABLES[object]
    rows = [{"attributes": {"type": table}, "id": write.id, **body_of(write, schema)} for write in part]
    return {"allOrNone": False, "records": rows}


def read_collection(vendor: str, part: Sequence[Write], answer: Any) -> Results:
    """Returns the rows' answers, which come in the order of the request and may lack their id."""
    if not isinstance(answer, list) or len(answer) != len(part):
        raise ContractError(vendor, "collections.update", "length")
    return {write.id: _row(write, item) for write, item in zip(part, answer, strict=True)}


def _row(write: Write, item: Any) -> WriteResult:
    if not isinstance(item, Mapping):
        return WriteResult(Written.UNKNOWN)
    if item.get("success") is True:
        return WriteResult(Written.DONE)
    errors = item.get("errors")
    return row_result(write, [fault(one) for one in errors if isinstance(one, Mapping)] if errors else ())


def composite_body(object: str, part: Sequence[Write], schema: Schema, api_version: str) -> dict[str, Any]:
    """Returns up to 25 rows, each only if nobody changed it since it was read. The condition compares whole seconds."""
    root = f"/services/data/v{api_version}/sobjects/{TABLES[object]}"
    requests = []
    for index, write in enumerate(part):
        headers = dict(NO_ASSIGNMENT)
        if write.seen:
            headers["If-Unmodified-Since"] = formatdate(write.seen // 1000, usegmt=True)
        request = {"method": "PATCH", "url": f"{root}/{write.id}", "referenceId": f"r{index}"}
        requests.append({**request, "httpHeaders": headers, "body": body_of(write, schema)})
    return {"allOrNone": False, "collateSubrequests": True, "compositeRequest": requests}


def read_composite(vendor: str, part: Sequence[Write], answer: Any) -> Results:
    """Returns the rows' answers by reference; 412 means that somebody was faster."""
    listed = answer.get("compositeResponse") if isinstance(answer, Mapping) else None
    if not isinstance(listed, list):
        raise ContractError(vendor, "composite", "compositeResponse")
    by_reference = {str(item.get("referenceId")): item for item in listed if isinstance(item, Mapping)}
    results: dict[str, WriteResult] = {}
    for index, write in enumerate(part):
        item = by_reference.get(f"r{index}", {})
        status, body = item.get("httpStatusCode"), item.get("body")
        errors = [fault(one) for one in body if isinstance(one, Mapping)] if isinstance(body, list) else []
        if isinstance(status, int) and 200 <= status < 300:
            results[write.id] = WriteResult(Written.DONE)
        elif status == 412:
            results[write.id] = WriteResult(Written.CHANGED, code="PRECONDITION_FAILED")
        elif status == 404 and not errors:
            results[write.id] = WriteResult(Written.GONE, code="NOT_FOUND")
        else:
            results[write.id] = row_result(write, errors)
    return results
