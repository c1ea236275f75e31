"""Reads HubSpot's reply to a batch of updates, row by row. Pure.

HubSpot writes nothing of a batch with one bad value, and names the property but not the row. So the rows that hold a
named property are halved until only the bad ones are left, while all others go out at once. Where an address is
another contact's, one read of all addresses tells the rows at fault instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from connectors.errors import RejectedError
from connectors.hubspot.records import ErrorGroup, RecordRows, milliseconds, missing_ids
from connectors.hubspot.refusals import KINDS, TAKEN, Refusal, refusal, refusal_of
from connectors.models import Reply, Write, WriteResult, Written
from connectors.refusal_kinds import kind_of, plain_words

EMAIL = "email"


def results(part: Sequence[Write], reply: Reply, rows: RecordRows | None) -> Mapping[str, WriteResult]:
    """Returns the word on every row of one call; ``rows`` are those of a 2xx answer."""
    if rows is not None:
        return outcomes(part, rows)
    said = refusal(reply.body)
    if reply.status == 423 or (reply.status == 409 and said.is_passing):
        return {write.id: WriteResult(Written.LOCKED, code="LOCKED") for write in part}
    if reply.status == 404 and len(part) == 1:
        return {part[0].id: WriteResult(Written.GONE, code=said.code)}
    return refused(part, reply.status, said)


def coalesced(writes: Sequence[Write]) -> list[Write]:
    """Returns one write per id: HubSpot refuses a batch that names an id twice. The later value of a property wins."""
    by_id: dict[str, Write] = {}
    for write in writes:
        held = by_id.get(write.id)
        by_id[write.id] = write if held is None else Write(write.id, {**held.values, **write.values}, write.seen)
    return list(by_id.values())


def outcomes(part: Sequence[Write], rows: RecordRows) -> Mapping[str, WriteResult]:
    """Returns a 2xx answer, row by row: a row in neither its results nor its errors is unknown."""
    done = {row.id: row for row in rows.results}
    lost = missing_ids(rows)
    bad = {
        named: refusal_of(fault.model_dump())
        for fault in rows.errors
        if fault.category != "OBJECT_NOT_FOUND"
        for named in _named_ids(fault)
    }
    unnamed = [write.id for write in part if write.id not in done.keys() | lost | bad.keys()]
    about_rows = (one for one in rows.errors if one.category != "OBJECT_NOT_FOUND" and not _named_ids(one))
    said = next((refusal_of(one.model_dump()) for one in about_rows), None)
    results: dict[str, WriteResult] = {}
    for write in part:
        row = done.get(write.id)
        if row is not None:
            results[write.id] = WriteResult(Written.DONE, modified=milliseconds(row.updatedAt))
        elif write.id in lost:
            results[write.id] = WriteResult(Written.GONE, code="OBJECT_NOT_FOUND")
        elif write.id in bad:
            results[write.id] = _invalid(write, bad[write.id], _named(bad[write.id], is_taken=_is_taken(bad[write.id])))
        elif said is None:
            results[write.id] = WriteResult(Written.UNKNOWN)
        elif len(unnamed) == 1:  # an error without a name is about the only row that nothing else is said of
            results[write.id] = _invalid(write, said, _named(said, is_taken=_is_taken(said)))
        else:
            results[write.id] = WriteResult(Written.SPLIT, part=int(write.id in unnamed[len(unnamed) // 2 :]))
    return results


def _named_ids(fault: ErrorGroup) -> tuple[str, ...]:
    return (*fault.context.get("ids", ()), *fault.context.get("id", ()))


def refused(part: Sequence[Write], status: int, said: Refusal) -> Mapping[str, WriteResult]:
    """Returns the word on the rows of a batch that was refused: at fault for sure, or to be sent in smaller parts."""
    named = _named(said, is_taken=_is_taken(said, status))
    if said.hopeless & {name for write in part for name in write.values}:
        return {
            write.id: _invalid(write, said, set(said.hopeless))
            if said.hopeless & write.values.keys()
            else WriteResult(Written.SPLIT)
            for write in part
        }
    if len(part) == 1:
        return {part[0].id: _invalid(part[0], said, named)}
    touched = {write.id for write in part if named & write.values.keys()}
    if not touched or len(touched) == len(part):
        touched = {write.id for write in part[len(part) // 2 :]}
    return {write.id: WriteResult(Written.SPLIT, part=int(write.id in touched)) for write in part}


def barred(part: Sequence[Write], refusal: RejectedError) -> Mapping[str, WriteResult]:
    """Returns the refusal of a batch's rows some of whose properties our token may not write."""
    bad = frozenset(refusal.fields)
    if not any(bad & write.values.keys() for write in part):
        bad = frozenset(name for write in part for name in write.values)

    def word(write: Write) -> WriteResult:
        named = tuple(name for name in write.values if name in bad)
        if not named:
            return WriteResult(Written.SPLIT)
        return WriteResult(Written.INVALID, named, refusal.code, kind=refusal.kind, words=refusal.words)

    return {write.id: word(write) for write in part}


def apart(part: Sequence[Write]) -> tuple[list[Write], list[Write]]:
    """Splits off the writes of an address that another one of the batch writes as well: HubSpot would refuse them all.

    They are sent once the first is written, and then show the owner of the address.
    """
    first: list[Write] = []
    later: list[Write] = []
    seen: set[str] = set()
    for write in part:
        address = write.values.get(EMAIL, "").strip().lower()
        (later if address in seen else first).append(write)
        seen |= {address} if address else set()
    return first, later


def contested(part: Sequence[Write], reply: Reply) -> dict[str, str]:
    """Returns the addresses of a batch that was refused since one of them is another contact's, by record id."""
    if len(part) == 1 or reply.status not in {400, 409}:
        return {}
    said = refusal(reply.body)
    if not _is_taken(said, reply.status) or _named(said, is_taken=True) != {EMAIL}:
        return {}
    return {write.id: write.values[EMAIL].strip().lower() for write in part if write.values.get(EMAIL)}


def taken(part: Sequence[Write], reply: Reply, owners: Mapping[str, str]) -> Mapping[str, WriteResult]:
    """Returns the refusal of rows whose address has another owner (by row), and sends all others once more.

    Empty if no owner was found: the address may be a contact's second one.
    """
    if not owners:
        return {}
    said = refusal(reply.body)
    return {
        write.id: replace(_invalid(write, said, {EMAIL}), existing_id=owners[write.id])
        if write.id in owners
        else WriteResult(Written.SPLIT)
        for write in part
    }


def _named(said: Refusal, *, is_taken: bool) -> set[str]:
    """Returns the properties at fault. ``email`` is the one that HubSpot keeps unique without saying its name."""
    return set(said.properties) or ({EMAIL} if is_taken else set())


def _is_taken(said: Refusal, status: int = 400) -> bool:
    """Tells whether somebody else has the value already."""
    return status == 409 or bool(TAKEN & {said.category, *(code for _, code in said.faults)})


def _invalid(write: Write, said: Refusal, named: set[str]) -> WriteResult:
    return WriteResult(
        Written.INVALID,
        tuple(name for name in write.values if name in named),
        said.code,
        kind=kind_of(said.code, KINDS, said.message),
        words=plain_words(said.message, write.values.values()),
        existing_id=said.existing_id,
    )
