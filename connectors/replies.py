"""Reads a vendor's reply: its bytes within bounds, what its status means, its JSON, and the vendor's clock.

One status table serves all, with a vendor's own ways as values. No HTTP library is known here: both of ours hand over
what they read.
"""

from __future__ import annotations

import gc
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from time import perf_counter
from typing import Any, TypeVar

from msgspec import Struct
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from connectors.errors import (
    AccessError,
    ConflictError,
    ConnectorError,
    ContractError,
    CreditsError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.limits import Notice
from connectors.models import Reply
from connectors.operations import Operation

WAIT_CAP_S = 3600.0  # a vendor's wish beyond an hour is looked at again after one
PAGE_S = 60.0
PARTS, PART_BYTES = 4_000, 48  # objects and lists in any body, and one more for so many bytes
VALUES, VALUE_BYTES = 8_000, 14
STATUSES: Mapping[int, type[ConnectorError]] = {
    401: AccessError,
    402: CreditsError,
    403: AccessError,
    404: NotFoundError,
    408: UnavailableError,
    409: ConflictError,
    410: NotFoundError,
    423: UnavailableError,
    425: UnavailableError,
    429: RateLimitedError,
}
_REQUEST_IDS = ("x-request-id", "x-hubspot-correlation-id", "cf-ray")
_PLAIN = re.compile(r"[\w.:-]{1,80}", re.ASCII)
_REDIRECT_HINT = "the host answers with a redirect, check base_url"
T = TypeVar("T")


def retry_after(reply: Reply) -> float | None:
    """Returns seconds the ``Retry-After`` header asks for, as number or HTTP date (against the reply's own clock)."""
    text = reply.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = _moment(text)
            now = _moment(reply.headers["date"]) if "date" in reply.headers else datetime.now(UTC)
        except ValueError:
            return None
        seconds = (until - now).total_seconds()
    return capped(seconds)


def capped(seconds: float) -> float | None:
    """Returns ``seconds`` between 0 and an hour; ``None`` if it is not a number."""
    return None if seconds != seconds else min(max(seconds, 0.0), WAIT_CAP_S)  # noqa: PLR0124 - NaN


def server_time(reply: Reply) -> int:
    """Returns the reply's ``Date`` header in ms, 0 when it has none that can be read."""
    try:
        return int(_moment(reply.headers.get("date", "")).timestamp() * 1000)
    except ValueError:
        return 0


@lru_cache(maxsize=64)  # the replies of one second say the same
def _moment(text: str) -> datetime:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, IndexError, OverflowError) as failure:
        raise ValueError("no HTTP date") from failure
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class ReplyReading(Struct, frozen=True):
    """Tells how one vendor's replies differ from the common table. Every function is pure.

    ``refusal`` looks at a whole reply first, 2xx too: an error it gives for a 2xx must be one that was surely not
    charged. ``code`` is the vendor's word for a failure, ``pause`` the seconds it asks for, ``notices`` what its
    headers tell per bucket (names as in ``Operation.bucket``). ``calm`` are 5xx statuses that are no sign of an outage.
    """

    statuses: Mapping[int, type[ConnectorError]] = {}
    refusal: Callable[[Operation, Reply], ConnectorError | None] = lambda *_: None
    code: Callable[[Reply], str] = lambda _: ""
    pause: Callable[[Reply], float | None] = retry_after
    notices: Callable[[Operation, Reply], Mapping[str, Notice]] = lambda *_: {}
    calm: frozenset[int] = frozenset()


def failure(
    vendor: str, bucket: str, operation: Operation, reply: Reply, reading: ReplyReading
) -> ConnectorError | None:
    """Returns the error in a reply, ``None`` for an answer (2xx, or one of the operation's misses)."""
    refused = reading.refusal(operation, reply)
    if refused is not None:
        return refused
    if 200 <= reply.status < 300:
        return None
    if reply.status in operation.misses:
        return no_address(vendor, operation, reply) if _page(reply) else None
    return error(vendor, bucket, operation, reply, reading)


def error(vendor: str, bucket: str, operation: Operation, reply: Reply, reading: ReplyReading) -> ConnectorError:
    """Returns the error class of a reply's status, with the reply's details."""
    status, name = reply.status, operation.name
    kind = reading.statuses.get(status) or STATUSES.get(status) or _family(status)
    request, code = request_id(reply), _plain(reading.code(reply))
    hint = _REDIRECT_HINT if 300 <= status < 400 else ""
    if issubclass(kind, UnavailableError):
        wait = reading.pause(reply)
        return kind(vendor, name, status, request, retry_after_s=wait, bucket=bucket, code=code, hint=hint)
    return kind(vendor, name, status, request, code=code, hint=hint)


def no_address(vendor: str, operation: Operation, reply: Reply) -> AccessError:
    """Returns the error of a 404 from a host that does not know the path.

    Kept as a miss, it would hide a wrong address for weeks.
    """
    hint = "the host does not know this path, check base_url"
    return AccessError(vendor, operation.name, reply.status, request_id(reply), hint=hint)


def sent_a_page(vendor: str, operation: Operation, reply: Reply) -> RateLimitedError | None:
    """Returns the error of a refusal that is a web page, if the API always answers with JSON.

    A gateway or firewall in between sent it: no row and no credential is at fault.
    """
    if not (_page(reply) and reply.status in {400, 403, 409, 413}):
        return None
    hint = "a proxy or firewall answers our calls with a web page: it is tried again every minute"
    asked = retry_after(reply)
    wait = PAGE_S if asked is None else asked
    return RateLimitedError(vendor, operation.name, reply.status, retry_after_s=wait, code="PAGE", hint=hint)


def _page(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith("text/html")


def _family(status: int) -> type[ConnectorError]:
    if 300 <= status < 400:
        return AccessError
    return RejectedError if 400 <= status < 500 else UnavailableError


def request_id(reply: Reply) -> str:
    """Returns the vendor's own name for the request, ``""`` when it gives none."""
    return next((word for name in _REQUEST_IDS if (word := _plain(reply.headers.get(name, "")))), "")


def _plain(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else ""


def crowded(body: bytes) -> bool:
    """Tells whether a body has more objects, lists and values than replies of its size usually do.

    They, not the bytes, determine the cost of parsing: a megabyte of ``{},{},`` would block a worker for seconds.
    """
    parts, values = body.count(b"{") + body.count(b"["), body.count(b",")
    return parts > PARTS + len(body) // PART_BYTES or values > VALUES + len(body) // VALUE_BYTES


def parsed(adapter: TypeAdapter[T], reply: Reply, vendor: str, endpoint: str) -> T:
    """Returns the reply's body as ``adapter``'s type.

    Raises:
        ContractError: it is not; ``field`` is the dotted place, or ``""`` if the body is not JSON at all.
    """
    if crowded(reply.body):
        raise ContractError(vendor, endpoint, "", reply.status)
    collects = gc.isenabled()
    gc.disable()  # parsed values contain no cycles, so looking for them would only take time
    try:
        return adapter.validate_json(reply.body)
    except ValidationError as broken:
        places = broken.errors(include_input=False, include_url=False, include_context=False)
        where = ".".join(str(part) for part in places[0]["loc"])
        raise ContractError(vendor, endpoint, where, reply.status) from None
    except (ArithmeticError, RecursionError, ValueError):  # an unforeseen fault in a reader of ours
        raise ContractError(vendor, endpoint, "", reply.status) from None
    finally:
        if collects:
            gc.enable()


def json_of(body: bytes) -> Any:
    """Returns a body as JSON has it.

    Raises:
        ValueError: it is not JSON, or is crowded.
    """
    if crowded(body):
        raise ValueError("crowded")
    return from_json(body)


SLOW_S = 4.0  # a slower reply may have been dated at any moment of its wait, so it shows too little


class VendorClock:
    """Keeps the newest reading of one vendor's clock, from the ``Date`` of its replies.

    A reading is right to about two seconds: ``Date`` shows whole ones, and the reply took up to ``SLOW_S``. It rests
    on our monotonic clock, so that setting this machine's clock changes nothing.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._told_ms, self._at, self._taken = 0.0, float("-inf"), True

    def heard(self, reply: Reply, began: float, ended: float) -> None:
        """Take a reading from a reply; ``began`` and ``ended`` are its call's, in seconds of ``perf_counter``."""
        if ended - began > SLOW_S:
            return
        dated_ms = server_time(reply)
        if dated_ms:
            self._told_ms, self._at, self._taken = dated_ms + 500.0, (began + ended) / 2, False

    def now(self) -> int | None:
        """Returns the vendor's time (ms) by the newest reading; ``None`` before the first."""
        if not self._told_ms:
            return None
        return round(self._told_ms + (self._clock() - self._at) * 1000)

    def take(self) -> int | None:
        """Returns ``now`` once per reading, so that an old one is never taken for a new one."""
        if self._taken:
            return None
        self._taken = True
        return self.now()


BODY_CAP = 16 * 1024 * 1024
WIRE_CAP = 2 * BODY_CAP  # with all that is around a body: heads, the lengths of chunks, trailers
MEMBERS = 100  # of a gzip body; one is usual, and each costs more to begin than its bytes
HEADS = 20  # of interim answers (1xx) before the answer; none is usual


class UnsentError(Exception):
    """Says that an attempt failed before a connection stood: no byte of the request left."""


class NoSlotError(UnsentError):
    """Says that the call lost its slot on the way to the wire, and that the limiter gave no other: ``cause`` is why."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(type(cause).__name__)
        self.cause = cause


class BrokenError(Exception):
    """Says that an attempt failed on an open connection: the vendor may have executed it."""


class UnfitError(BrokenError):
    """Says that the answer is larger than we take, or packed in a way we cannot read."""


_NO_MEMBER = zlib.decompressobj(wbits=31)  # of a body that is not packed: it stays unused


class ReplyBytes:
    """Gathers the body of one reply as it arrives, unpacked and within bounds.

    The cap applies to received and to unpacked bytes; the parts of a gzip body are counted, too.
    """

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin with the reply's head.

        Raises:
            UnfitError: the body is packed in a way that we did not ask for.
        """
        encoding = headers.get("content-encoding", "")
        self._may_be_empty = status in {204, 205, 304} or headers.get("content-length", "").strip() == "0"
        if encoding.lower() not in {"", "identity", "gzip"}:
            raise UnfitError("content encoding")
        self._packed = encoding.lower() == "gzip"
        self._member = zlib.decompressobj(wbits=31) if self._packed else _NO_MEMBER
        self._members = 1
        self._parts: list[bytes] = []
        self._arrived = self._size = 0

    def take(self, chunk: bytes) -> None:
        """Take received bytes.

        Raises:
            UnfitError: it is too much, or no gzip.
        """
        self._arrived += len(chunk)
        if self._arrived > BODY_CAP:
            raise UnfitError("body size")
        while self._packed and chunk:
            self._keep(self._unpacked(chunk))
            chunk = self._member.unused_data if self._member.eof else b""
            if chunk:
                self._members += 1
                if self._members > MEMBERS:
                    raise UnfitError("gzip members")
                self._member = zlib.decompressobj(wbits=31)
        if not self._packed:
            self._keep(chunk)

    def whole(self) -> bytes:
        """Returns the body, now that no more comes.

        Raises:
            BrokenError: it was cut short.
        """
        if self._packed and not self._member.eof and (self._arrived or not self._may_be_empty):
            raise BrokenError("gzip cut short")
        return b"".join(self._parts)

    def _unpacked(self, chunk: bytes) -> bytes:
        try:
            return self._member.decompress(chunk, BODY_CAP - self._size + 1)
        except zlib.error as failure:
            raise UnfitError("gzip") from failure

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > BODY_CAP:
            raise UnfitError("body size")
        self._parts.append(part)
