"""Writes rows of one object in batches: read, compare, write, as often as the vendor's answers ask for it.

Nothing is sent on an old read. A row that was locked, whose batch was refused or failed, or that lost a refused value
is read and compared again before it is sent again, and every wait is bounded.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import replace

from connectors.errors import (
    ConnectorError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    StaleReadError,
    UnavailableError,
)
from connectors.limits import Limiter, slots_ahead
from connectors.models import RefusalKind, Write, WriteResult, Written
from connectors.ports import Crm
from connectors.repeats import RepeatBudget

ATTEMPTS = 3  # of a row that meets locks, failures and silence
REPEAT_S = 30.0  # no such attempt begins later than this after the first
LONGEST_S = 60.0  # nor does any other: a visit must end
LOCK_S = 2.0  # how long HubSpot says that a lock lasts
FIRST_BACKOFF_S = 0.5
STALE_MOST = 3  # reads in a row that were too slow to be written on
SLOW_S = 5.0  # so long a crm that reads that slowly is left alone
PARTS = 8  # batches of one round: they share its read and leave together
T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RowWrite:
    """Holds what became of one row so far.

    ``written`` are values that stand there by us, ``seen`` values of ours that somebody else wrote, ``refused`` is the
    vendor's word by property. ``doubt`` are values sent without a clear answer and not found out about yet. ``word`` is
    how the row ended, ``None`` if nothing was to be written; ``error`` is set instead if its calls failed.
    """

    id: str
    written: dict[str, str] = field(default_factory=dict, repr=False)
    seen: set[str] = field(default_factory=set)
    refused: dict[str, WriteResult] = field(default_factory=dict)
    doubt: dict[str, str] = field(default_factory=dict, repr=False)
    word: WriteResult | None = None
    error: ConnectorError | None = None
    modified: int = 0
    tries: int = 0
    stale: int = 0
    alone: bool = False  # one value at a time: a refusal did not say which of them it was about
    last: bool = False  # and this was the last of them
    gone: bool = False  # a write was answered so, though a read had shown the row
    found: set[str] = field(default_factory=set)  # of ``doubt``: the values there now, whoever wrote them


class AllowedWrite(Struct, frozen=True):
    """Holds the writes that are still allowed on a row as just read. ``same`` are properties that need no write.

    ``beside`` are properties that are written only together with all of the others.
    """

    write: Write
    same: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()


Read = Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]
Compare = Callable[[Mapping[str, T], Mapping[str, RowWrite]], Awaitable[Mapping[str, AllowedWrite]]]


@dataclass(slots=True)
class _Part:
    rows: list[RowWrite]
    not_before: float = 0.0


@dataclass(slots=True)
class _Run(Generic[T]):
    object: str
    read: Read[T]
    compare: Compare[T]
    began: float


class BatchWriter:
    """Writes to one crm. ``clock`` and ``rest`` are in seconds."""

    def __init__(
        self,
        crm: str,
        vendor: Crm,
        limiter: Limiter,
        *,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._crm, self._vendor, self._limiter = crm, vendor, limiter
        self._clock, self._rest, self._chance = clock, rest, chance
        self._repeats = RepeatBudget(clock)

    async def write(self, object: str, ids: Sequence[str], read: Read[T], compare: Compare[T]) -> dict[str, RowWrite]:
        """Write what ``compare`` wants of the rows ``ids``, at most the vendor's batch of them.

        ``compare`` is given the rows as they were just read and what became of them so far; a row that it leaves out
        ends there. It wants nothing that was refused.
        """
        run = _Run(object, read, compare, self._clock())
        rows = {one: RowWrite(one) for one in dict.fromkeys(ids)}
        pending = [_Part(list(rows.values()))]
        while pending:
            now = self._clock()
            if now - run.began > LONGEST_S:
                self._failed(pending, UnavailableError(self._crm, "write", code="overdue"))
                break
            ready = [part for part in pending if part.not_before <= now][:PARTS]
            if not ready:
                await self._rest(min(part.not_before for part in pending) - now)
                continue
            pending = [part for part in pending if part not in ready]
            pending += await self._round(run, ready)
        await self._find_out(object, [row for row in rows.values() if row.found])
        return rows

    async def _round(self, run: _Run[T], parts: Sequence[_Part]) -> list[_Part]:
        """Read and compare the rows once and send each part in one call; gives the rows without an end in new parts."""
        rows = {row.id: row for part in parts for row in part.rows}
        for row in rows.values():
            row.word, row.found = None, set()
        self._repeats.called()
        try:
            async with slots_ahead(self._limiter, [self._crm] * (1 + len(parts))):
                found = await run.read(list(rows))
                wanted = await run.compare(found, rows)
                for row in rows.values():
                    _note_doubt(row, wanted.get(row.id))
                sending = [self._sent(run.object, _writes(part, wanted)) for part in parts]
                answers = await asyncio.gather(*sending)
        except ConnectorError as error:  # of a slot or a read, which is repeated elsewhere: nothing was sent
            self._failed(parts, error)
            return []
        again: list[_Part] = []
        for part, answer in zip(parts, answers, strict=True):
            writes = _writes(part, wanted)
            ids = {write.id for write in writes}
            sent = [row for row in part.rows if row.id in ids]
            if isinstance(answer, ConnectorError):
                again += self._unanswered(run, sent, writes, answer)
            else:
                again += self._answered(run, sent, writes, answer)
        return again

    async def _sent(self, object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult] | ConnectorError:
        if not writes:
            return {}
        try:
            return await self._vendor.write(object, writes)
        except ConnectorError as error:
            return error

    def _unanswered(
        self, run: _Run[T], rows: list[RowWrite], writes: Sequence[Write], error: ConnectorError
    ) -> list[_Part]:
        """Returns the parts of a call that failed as a whole."""
        if isinstance(error, StaleReadError):
            for row in rows:
                row.stale += 1
            if all(row.stale < STALE_MOST for row in rows):
                return [_Part(rows)]
            slow = RateLimitedError(self._crm, error.operation, retry_after_s=SLOW_S, code=error.code)
            self._failed([_Part(rows)], slow)
            return []
        if not isinstance(error, UnavailableError | OutcomeUnknownError | ContractError):
            self._failed([_Part(rows)], error)
            return []
        if not isinstance(error, RateLimitedError):
            for row, write in zip(rows, writes, strict=True):
                row.doubt |= write.values
        asked_s = error.retry_after_s if isinstance(error, UnavailableError) else None
        again = self._later(run, rows, self._backoff_s(rows) if asked_s is None else asked_s, type(error).__name__)
        going = {row.id for part in again for row in part.rows}
        self._failed([_Part([row for row in rows if row.id not in going])], error)
        return again

    def _answered(
        self, run: _Run[T], rows: list[RowWrite], writes: Sequence[Write], words: Mapping[str, WriteResult]
    ) -> list[_Part]:
        """Returns the parts of a call that was answered row by row."""
        left: list[RowWrite] = []
        unclear: list[RowWrite] = []
        parts: dict[int, list[RowWrite]] = {}
        for row, write in zip(rows, writes, strict=True):
            word = words.get(row.id, WriteResult(Written.UNKNOWN))
            row.word = word
            match word.outcome:
                case Written.DONE:
                    row.written |= write.values
                    row.modified = word.modified
                    row.doubt = {name: value for name, value in row.doubt.items() if name not in write.values}
                    if row.alone and not row.last:
                        left.append(row)
                case Written.GONE if not row.gone:
                    row.gone = True
                    left.append(row)  # a read tells whether it is the row, or something that the row leads to
                case Written.GONE:
                    row.word = replace(word, outcome=Written.INVALID, kind=RefusalKind.ROW)
                    row.refused |= dict.fromkeys(write.values, row.word)
                case Written.INVALID if word.kind is RefusalKind.ORG and len(rows) > 1:
                    parts.setdefault(int(row in rows[len(rows) // 2 :]), []).append(row)  # fewer may pass
                case Written.INVALID:
                    if _is_left(row, write, word):
                        left.append(row)
                case Written.SPLIT:
                    parts.setdefault(word.part, []).append(row)
                case Written.LOCKED | Written.CHANGED:
                    unclear.append(row)
                case Written.UNKNOWN:
                    row.doubt |= write.values
                    unclear.append(row)
        again = [_Part(part) for part in (*parts.values(), left) if part]
        return again + self._later(run, unclear, LOCK_S, "unclear")

    def _later(self, run: _Run[T], rows: Sequence[RowWrite], wait_s: float, cause: str) -> list[_Part]:
        """Returns rows without a clear answer once more after ``wait_s``, but for those that had all their attempts."""
        for row in rows:
            row.tries += 1
        left = [row for row in rows if row.tries < ATTEMPTS]
        now = self._clock()
        if not left or now - run.began + wait_s > REPEAT_S or not self._repeats.spent():
            return []
        attempt = max(row.tries for row in left)
        log.warning(
            "push.repeated",
            crm=self._crm,
            record_ids=sorted(row.id for row in left),
            attempt=attempt,
            cause=cause,
            wait_s=round(wait_s, 3),
        )
        return [_Part(left, now + wait_s)]

    def _backoff_s(self, rows: Sequence[RowWrite]) -> float:
        doublings = max((row.tries for row in rows), default=0)
        return self._chance() * FIRST_BACKOFF_S * (1 << doublings)

    @staticmethod
    def _failed(parts: Iterable[_Part], error: ConnectorError) -> None:
        for part in parts:
            for row in part.rows:
                row.error = error

    async def _find_out(self, object: str, rows: Sequence[RowWrite]) -> None:
        """Ask for the writers of values that equal ours after an unclear reply."""
        if not rows:
            return
        names = sorted({name for row in rows for name in row.found})
        try:
            ours = await self._vendor.ours(object, [row.id for row in rows], names)
        except ConnectorError as error:
            self._failed([_Part(list(rows))], error)
            return
        for row in rows:
            mine = row.found & ours.get(row.id, frozenset())
            row.written |= {name: row.doubt[name] for name in mine}
            row.seen |= row.found - mine
            row.doubt = {name: value for name, value in row.doubt.items() if name not in row.found}


def _is_left(row: RowWrite, write: Write, word: WriteResult) -> bool:
    """Note a refusal on its row; whether other values of the row may still be taken."""
    named = write.values.keys() & set(word.properties)
    if not word.kind.of_values:
        row.refused |= dict.fromkeys(named or write.values, word)
        return bool(named) and named < write.values.keys()
    if named or len(write.values) == 1:
        row.refused |= dict.fromkeys(named or write.values, word)
        return not row.last if row.alone else named < write.values.keys()
    row.alone = True
    return True


def _writes(part: _Part, wanted: Mapping[str, AllowedWrite]) -> list[Write]:
    sent = [_sent_now(row, wanted[row.id]) for row in part.rows if row.id in wanted]
    return [write for write in sent if write.values]


def _sent_now(row: RowWrite, wanted: AllowedWrite) -> Write:
    """Returns everything wanted of a row, or its next value alone."""
    write = wanted.write
    if not row.alone:
        return write
    values = {name: value for name, value in write.values.items() if name not in wanted.beside}
    row.last = len(values) <= 1
    return replace(write, values=dict(list(values.items())[:1]))


def _note_doubt(row: RowWrite, wanted: AllowedWrite | None) -> None:
    """Compares values sent before with a new look: there, to be sent again, or somebody else's by now."""
    if wanted is None:  # the row ends here, and the next visit finds out
        return
    row.found = {name for name in row.doubt if name in wanted.same}
    open_ = row.found | wanted.write.values.keys()
    row.doubt = {name: value for name, value in row.doubt.items() if name in open_}
