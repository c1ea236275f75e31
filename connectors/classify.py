"""Classifies a vendor's reply for the caller: one status table, with a vendor's own ways as values. Pure."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
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
    """Returns ``seconds`` between 0 and an hour; ``None`` for what is no number."""
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


def _no_refusal(_operation: Operation, _reply: Reply) -> None:
    return None


def _no_code(_reply: Reply) -> str:
    return ""


def _no_notices(_operation: Operation, _reply: Reply) -> Mapping[str, Notice]:
    return {}


class ReplyReading(Struct, frozen=True):
    """Tells how one vendor's replies differ from the common table. Every function is pure.

    ``refusal`` looks at a whole reply first, 2xx too: an error it gives for a 2xx must be one that was surely not
    charged. ``code`` is the vendor's word for a failure, ``pause`` the seconds it asks for, ``notices`` what its
    headers tell per bucket (names as in ``Operation.bucket``). ``calm`` are 5xx statuses that are no sign of an outage.
    """

    statuses: Mapping[int, type[ConnectorError]] = {}
    refusal: Callable[[Operation, Reply], ConnectorError | None] = _no_refusal
    code: Callable[[Reply], str] = _no_code
    pause: Callable[[Reply], float | None] = retry_after
    notices: Callable[[Operation, Reply], Mapping[str, Notice]] = _no_notices
    calm: frozenset[int] = frozenset()


def failure(
    vendor: str, bucket: str, operation: Operation, reply: Reply, reading: ReplyReading
) -> ConnectorError | None:
    """Returns the error a reply stands for, ``None`` for an answer (2xx, or one of the operation's misses)."""
    refused = reading.refusal(operation, reply)
    if refused is not None:
        return refused
    if 200 <= reply.status < 300:
        return None
    if reply.status in operation.misses:
        return no_address(vendor, operation, reply) if _page(reply) else None
    return error(vendor, bucket, operation, reply, reading)


def error(vendor: str, bucket: str, operation: Operation, reply: Reply, reading: ReplyReading) -> ConnectorError:
    """Returns the error class of a reply's status, filled with what the reply tells."""
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
    """Tells whether a body holds more objects, lists and values than answers of its size do.

    The cost of reading goes by them and not by bytes: a megabyte of ``{},{},`` would hold a worker up for seconds.
    """
    parts, values = body.count(b"{") + body.count(b"["), body.count(b",")
    return parts > PARTS + len(body) // PART_BYTES or values > VALUES + len(body) // VALUE_BYTES


def parsed(adapter: TypeAdapter[T], reply: Reply, vendor: str, endpoint: str) -> T:
    """Returns the reply's body as ``adapter``'s type.

    Raises:
        ContractError: it is none; ``field`` is the dotted place, or ``""`` when the body is no JSON at all.
    """
    if crowded(reply.body):
        raise ContractError(vendor, endpoint, "", reply.status)
    collects = gc.isenabled()
    gc.disable()  # what is read here refers to nothing else: looking for cycles would take longer than reading
    try:
        return adapter.validate_json(reply.body)
    except ValidationError as broken:
        places = broken.errors(include_input=False, include_url=False, include_context=False)
        where = ".".join(str(part) for part in places[0]["loc"])
        raise ContractError(vendor, endpoint, where, reply.status) from None
    except (ArithmeticError, RecursionError, ValueError):  # a reader of ours met what nobody thought of
        raise ContractError(vendor, endpoint, "", reply.status) from None
    finally:
        if collects:
            gc.enable()


def json_of(body: bytes) -> Any:
    """Returns a body as JSON has it.

    Raises:
        ValueError: it is no JSON, or is crowded.
    """
    if crowded(body):
        raise ValueError("crowded")
    return from_json(body)
