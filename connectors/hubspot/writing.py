"""One unit of updates: sent as a batch, and split when HubSpot refuses the whole of it.

HubSpot writes nothing of a batch with one bad value, and names the property but not the row. So the rows that hold a
named property are halved until only the bad ones are left, while all others go out at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from connectors.errors import ConnectorError
from connectors.hubspot.records import Rows, milliseconds, missing_ids
from connectors.hubspot.refusals import TAKEN, Refusal, refusal
from connectors.models import Reply, Write, WriteResult, Written

LOCK_S = 2.0  # how long HubSpot says a lock of a record lasts
Send = Callable[[Sequence[Write]], Awaitable[tuple[Reply, Rows | None]]]


async def written(
    writes: Sequence[Write], send: Send, rest: Callable[[float], Awaitable[None]]
) -> Mapping[str, WriteResult]:
    """What became of every write. ``send`` gives the reply and, for a 2xx, its rows; ``rest`` waits seconds.

    Raises:
        ConnectorError: the first call failed, so nothing is known to be written. Later failures leave UNKNOWN.
    """
    results: dict[str, WriteResult] = {}
    pending: list[list[Write]] = [coalesced(writes)]
    locked: set[str] = set()
    first = True
    while pending:
        part = pending.pop(0)
        try:
            reply, rows = await send(part)
        except ConnectorError:
            if first:
                raise
            results |= {write.id: WriteResult(Written.UNKNOWN) for write in part}
            continue
        first = False
        if rows is not None:
            results |= outcomes(part, rows)
        elif reply.status == 423:
            again = [write for write in part if write.id not in locked]
            results |= {write.id: WriteResult(Written.LOCKED, code="LOCKED") for write in part if write.id in locked}
            locked |= {write.id for write in again}
            if again:
                await rest(LOCK_S)
                pending.append(again)
        else:
            refused, parts = split(part, reply.status, refusal(reply.body))
            results |= refused
            pending = [*parts, *pending]
    return results


def coalesced(writes: Sequence[Write]) -> list[Write]:
    """One write per id: HubSpot refuses a batch that names an id twice. The later value of a property wins."""
    by_id: dict[str, Write] = {}
    for write in writes:
        held = by_id.get(write.id)
        by_id[write.id] = write if held is None else Write(write.id, {**held.values, **write.values}, write.seen)
    return list(by_id.values())


def outcomes(part: Sequence[Write], rows: Rows) -> Mapping[str, WriteResult]:
    """A 2xx answer, row by row: a row in neither its results nor its errors is unknown."""
    done = {row.id: row for row in rows.results}
    lost = missing_ids(rows)
    bad = {
        named: fault.category
        for fault in rows.errors
        if fault.category != "OBJECT_NOT_FOUND"
        for named in (*fault.context.get("ids", ()), *fault.context.get("id", ()))
    }
    results: dict[str, WriteResult] = {}
    for write in part:
        row = done.get(write.id)
        if row is not None:
            results[write.id] = WriteResult(Written.DONE, modified=milliseconds(row.updatedAt))
        elif write.id in lost:
            results[write.id] = WriteResult(Written.GONE, code="OBJECT_NOT_FOUND")
        elif write.id in bad:
            results[write.id] = WriteResult(Written.INVALID, code=bad[write.id])
        else:
            results[write.id] = WriteResult(Written.UNKNOWN)
    return results


def split(part: Sequence[Write], status: int, said: Refusal) -> tuple[Mapping[str, WriteResult], list[list[Write]]]:
    """A refused part: the rows that are surely at fault, and the smaller parts to send next."""
    named = set(said.properties)
    if not named and (status == 409 or TAKEN & {said.category, *(code for _, code in said.faults)}):
        named = {"email"}  # the one property of ours that HubSpot keeps unique without saying its name
    hopeless = [write for write in part if said.hopeless & write.values.keys()]
    if hopeless:
        left = [write for write in part if write not in hopeless]
        return {write.id: _invalid(write, said, set(said.hopeless)) for write in hopeless}, [left] if left else []
    if len(part) == 1:
        return {part[0].id: _invalid(part[0], said, named)}, []
    touched = [write for write in part if named & write.values.keys()]
    clear = [write for write in part if write not in touched]
    if touched and clear:
        return {}, [clear, touched]
    middle = len(part) // 2
    return {}, [list(part[:middle]), list(part[middle:])]


def _invalid(write: Write, said: Refusal, named: set[str]) -> WriteResult:
    return WriteResult(Written.INVALID, tuple(name for name in write.values if name in named), said.code)
