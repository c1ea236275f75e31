"""Keeps the books of one vendor: every request, charge and write, in the order they happened."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from sandbox.clock import Clock

KINDS = ("requests", "charges", "writes")


@dataclass(slots=True)
class RequestEntry:
    """Notes one request that was read to its end. `status` was decided; `answered` says whether it was sent."""

    seq: int
    mono: float
    wall: float
    vendor: str
    method: str
    route: str
    key: str = ""
    """Slug, e-mail or ids asked for."""
    status: int = 0
    credits: float = 0
    fault: str = ""
    held: bool = False
    answered: bool = False


@dataclass(frozen=True, slots=True)
class ChargeEntry:
    seq: int
    mono: float
    wall: float
    request: int
    operation: str
    identity: str
    credits: float


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """Notes one property of one CRM row (or one creation, deletion, link), before and after."""

    seq: int
    mono: float
    wall: float
    request: int
    action: str
    """`create`, `update`, `delete`, `link`, `unlink`."""
    object: str
    id: str
    property: str
    before: Any
    after: Any
    by: str


class Books:
    """Holds entries that the vendor appends and tests read. All three kinds share one sequence of numbers."""

    def __init__(self, vendor: str, clock: Clock, kept: int | None = None) -> None:
        self.vendor = vendor
        self.clock = clock
        self.requests: deque[RequestEntry] = deque(maxlen=kept)
        self.charges: deque[ChargeEntry] = deque(maxlen=kept)
        self.writes: deque[WriteEntry] = deque(maxlen=kept)
        self._seq = count(1)

    def request(self, method: str, route: str) -> RequestEntry:
        clock = self.clock
        entry = RequestEntry(next(self._seq), clock.monotonic(), clock.wall(), self.vendor, method, route)
        self.requests.append(entry)
        return entry

    def charge(self, request: RequestEntry | None, operation: str, identity: str, credits: float) -> None:
        clock = self.clock
        seq = request.seq if request else 0
        if request:
            request.credits += credits
        self.charges.append(
            ChargeEntry(next(self._seq), clock.monotonic(), clock.wall(), seq, operation, identity, credits)
        )

    def write(
        self,
        request: RequestEntry | None,
        action: str,
        object_: str,
        id_: str,
        *,
        property_: str = "",
        before: Any = None,
        after: Any = None,
        by: str = "",
    ) -> None:
        seq = request.seq if request else 0
        clock = self.clock
        self.writes.append(
            WriteEntry(
                next(self._seq), clock.monotonic(), clock.wall(), seq,
                action, object_, id_, property_, before, after, by,
            )
        )  # fmt: skip

    def reset(self) -> None:
        """Forgets the past; sequence numbers go on."""
        self.requests.clear()
        self.charges.clear()
        self.writes.clear()

    def entries(self, kind: str, *, since: int = 0, route: str = "") -> list[dict[str, Any]]:
        """Returns entries of one kind after sequence number `since`; requests also by route template."""
        rows: Iterable[Any] = getattr(self, kind)
        return [asdict(row) for row in rows if row.seq > since and (not route or getattr(row, "route", route) == route)]

    def summary(self) -> dict[str, Any]:
        """Counts by route and status, credits in all and by operation, writes by object and action."""
        routes: dict[str, Counter[str]] = {}
        for entry in self.requests:
            routes.setdefault(f"{entry.method} {entry.route}", Counter())[str(entry.status)] += 1
        operations: Counter[str] = Counter()
        for charge in self.charges:
            operations[charge.operation] += charge.credits  # type: ignore[assignment]  # credits may be fractions
        return {
            "requests": len(self.requests),
            "routes": {route: dict(statuses) for route, statuses in routes.items()},
            "charges": len(self.charges),
            "credits": sum(operations.values()),
            "credits_by_operation": dict(operations),
            "writes": len(self.writes),
            "writes_by_object": dict(Counter(f"{w.action} {w.object}" for w in self.writes)),
        }
