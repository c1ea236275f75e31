"""Sends every vendor call: slot of the rate, steps of the ticket, bytes, meaning of the reply, repeat, log.

``Transport.run`` is the same core without HTTP, for a vendor library that sends by itself.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlencode

import stamina
import structlog
from msgspec import Struct

from connectors import replies
from connectors.addresses import onward, parse_url
from connectors.auth import Auth, NoAuth, StaticAuth
from connectors.batching import ended
from connectors.errors import (
    STALE_READ,
    ConnectorError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    StaleReadError,
    UnavailableError,
)
from connectors.http_engine import HttpEngine
from connectors.limits import Limiter, ReadPace, SlotFirst, Ticket, fresh_s, note_read, take_slot
from connectors.models import Reply
from connectors.operations import Operation, Repeat
from connectors.repeats import RepeatBudget
from connectors.replies import (
    BODY_CAP,
    BrokenError,
    NoSlotError,
    ReplyReading,
    UnfitError,
    UnsentError,
    VendorClock,
)
from connectors.telemetry import CALLS

__all__ = [
    "BODY_CAP", "Auth", "BrokenError", "ConnectionTerms", "NoAuth", "Operation", "Repeat", "ReplyReading",
    "StaticAuth", "Transport", "UnsentError",
]  # fmt: skip

ATTEMPTS = 3
RENEWALS = 2  # of a refused credential within a call: the first may bring a token that is dead by now, too
REPEAT_S = 30.0  # no repeat starts later than this after the first attempt began
FIRST_BACKOFF_S, MOST_BACKOFF_S = 0.5, 8.0
USER_AGENT = "refill/0.1"
_json = jsonlib.JSONEncoder(separators=(",", ":")).encode
log = structlog.get_logger(__name__)
T = TypeVar("T")


class NoTicket(SlotFirst):
    """Stands in for a ticket of a creation that no ledger guards: one that a person asked for by hand."""

    is_sheltered = False

    async def sent(self) -> None:
        """Notes nothing."""

    async def stored(self, reply: Reply) -> None:
        """Keeps nothing."""

    async def released(self, cause: str) -> None:
        """Gives nothing back."""

    async def uncertain(self, cause: str) -> None:
        """Holds nothing."""


class ConnectionTerms(Struct, frozen=True):
    """Tells how a vendor is connected to, by ``most`` connections at a time.

    ``read_s`` is the longest silence; the entire call ends after ``connect_s + read_s``. With ``redirects`` a SAFE call
    follows one 307 or 308 within the same origin.
    """

    connect_s: float = 10
    read_s: float = 60
    most: int = 100
    redirects: bool = False


class Transport:
    """Sends one vendor's calls: limited, signed, classified, repeated if that is safe.

    ``vendor`` also names its limiter bucket: ``vendor`` or ``vendor:bucket``.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        auth: Auth,
        limiter: Limiter,
        *,
        reading: ReplyReading = ReplyReading(),  # noqa: B008 - frozen
        headers: Mapping[str, str] | None = None,
        terms: ConnectionTerms = ConnectionTerms(),  # noqa: B008 - frozen
    ) -> None:
        """Open nothing yet; ``headers`` go with every request.

        Raises:
            ValueError: ``base_url`` is not https (http on loopback), or carries a user, query or fragment.
        """
        stamina.instrumentation.set_on_retry_hooks(())  # our own event tells more, and shows no arguments
        self.vendor, self.base_url = vendor, parse_url(base_url)
        self.auth, self.limiter, self.reading = auth, limiter, reading
        self._headers = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": USER_AGENT}
        self._headers |= headers or {}
        self._timeouts = {"connect": terms.connect_s, "read": terms.read_s}
        self._redirects = terms.redirects
        self.clock = VendorClock()
        self._pace = ReadPace()
        self._repeats = RepeatBudget()
        self._room = asyncio.Semaphore(terms.most)  # outside the pool, so that nothing queues unseen inside it
        self._engine = HttpEngine(terms.most, terms.connect_s + terms.read_s)

    async def aclose(self) -> None:
        await self._engine.aclose()

    def bucket(self, operation: Operation) -> str:
        """Returns the limiter bucket ``operation`` counts in."""
        return self._bucket(operation.bucket)

    async def send(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        ticket: Ticket | None = None,
    ) -> Reply:
        """Send one HTTP call and give its answer: a 2xx, or one of the operation's documented misses.

        Raises: as ``run``.
        """
        url = self.base_url + operation.target(path or {}, query or {})
        extra = dict(headers or {})
        content = b""
        if json is not None:
            content = _json(json).encode("ascii")
            extra["content-type"] = "application/json"
        elif form is not None:
            content = urlencode(form).encode()
            extra["content-type"] = "application/x-www-form-urlencoded"
        return await self.run(operation, lambda: self._attempt(operation, url, extra, content), ticket=ticket)

    async def run(
        self, operation: Operation, attempt: Callable[[], Awaitable[Reply]], *, ticket: Ticket | None = None
    ) -> Reply:
        """Carry one call through limiter, ticket, classification, repeats and log.

        ``attempt`` sends once with the credential of that moment. It raises ``UnsentError`` when surely no
        connection stood and ``BrokenError`` for every later failure of the wire.

        Raises:
            RateLimitedError: no slot near enough, or a 429.
            StaleReadError: the read behind an UPDATES call is too old; nothing was sent.
            UnavailableError: never connected; or an outage met by a SAFE or UPDATES call. Of the latter nobody knows
                what became: read before it is sent again.
            OutcomeUnknownError: PAID or CREATES was sent and no clear answer came back.
            RejectedError, AccessError, CreditsError, ContractError: by the reply.
            TicketSpentError: the ticket was used before; nothing was sent.
        """
        if operation.repeat is Repeat.SAFE:
            return await self._repeated(operation, attempt)
        if operation.repeat is Repeat.UPDATES:
            return await self._updated(operation, attempt)
        if ticket is None and operation.repeat is Repeat.PAID:
            raise TypeError(f"{operation.name} costs credits and needs a ticket")
        return await self._once(operation, attempt, ticket or NoTicket())

    # ---- SAFE ----------------------------------------------------------------------------------------------------

    async def _repeated(self, operation: Operation, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        began, tries = perf_counter(), 1
        lost: UnavailableError | None = None
        self._repeats.called()
        try:  # the first attempt, outside the machinery of repeats, which costs as much as the call
            return await self._try(operation, attempt)
        except UnavailableError as error:
            lost = error

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, UnavailableError) or tries >= ATTEMPTS:
                return False
            if isinstance(error, RateLimitedError) and error.status is None:  # our own limiter: its waits are longer
                return False
            delay_s = error.retry_after_s
            if delay_s is None:
                most = min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (tries - 1))
                delay_s = random.uniform(0, most)  # noqa: S311 - full jitter, no secret
            if perf_counter() - began + delay_s > REPEAT_S:
                return False
            if not self._repeats.spent():
                log.warning("vendor.repeat.refused", vendor=self.vendor, operation=operation.name, status=error.status)
                return False
            cause = type(error).__name__
            event = {"vendor": self.vendor, "operation": operation.name, "attempt": tries, "cause": cause}
            log.warning("vendor.request.retried", **event, status=error.status, wait_s=round(delay_s, 3))
            return delay_s

        async for trial in stamina.retry_context(on=wait, attempts=ATTEMPTS, timeout=REPEAT_S):
            with trial:
                if lost is not None:
                    first, lost = lost, None
                    raise first
                tries += 1
                return await self._try(operation, attempt)
        raise AssertionError  # pragma: no cover - the last trial raises by itself

    async def _try(self, operation: Operation, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        async with self._room:
            left_s, reply, used = await self._free(operation, attempt)
            for _ in range(RENEWALS):
                if not await self._renewed(operation, reply, used):
                    break
                left_s, reply, used = await self._free(operation, attempt)
        error = replies.failure(self.vendor, self.bucket(operation), operation, reply, self.reading)
        await self._noted(operation, reply, error)
        if error is not None:
            raise error
        note_read(left_s)
        return reply

    async def _renewed(self, operation: Operation, reply: Reply, used: Mapping[str, str]) -> bool:
        """Tells whether a refused credential has given way to a new one.

        The vendor has answered, which ends an outage: else its renewal would wait for the probe that waits for it.
        """
        if reply.status != 401:
            return False
        await self.limiter.worked(self.bucket(operation))
        return await self.auth.renewed(used)

    async def _free(
        self, operation: Operation, attempt: Callable[[], Awaitable[Reply]]
    ) -> tuple[float, Reply, Mapping[str, str]]:
        """Send once: when it left, what came back, and the credential that it went with."""
        bucket = self.bucket(operation)
        await self.auth.headers()  # a sign-in takes its time: no slot waits for it
        await take_slot(self.limiter, bucket)
        used = await self.auth.headers()  # another call may have renewed it meanwhile
        began = perf_counter()
        try:
            reply = await attempt()
        except StaleReadError:
            raise
        except (UnsentError, BrokenError) as failure:
            self._log(operation, None, began, failure)
            if isinstance(failure, UnfitError):
                await self.limiter.worked(bucket)
                raise ContractError(self.vendor, operation.name) from failure
            await self._failed(bucket, failure)
            raise UnavailableError(self.vendor, operation.name, bucket=bucket) from failure
        self.clock.heard(reply, began, perf_counter())
        self._log(operation, reply, began)
        return began, reply, used

    # ---- UPDATES -------------------------------------------------------------------------------------------------

    async def _updated(self, operation: Operation, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        """Send once: without a clear reply the call goes back to the caller that read its basis."""
        bucket = self.bucket(operation)
        async with self._room:
            _, reply, used = await self._free(operation, attempt)
            renewed = await self._renewed(operation, reply, used)
        error = replies.failure(self.vendor, bucket, operation, reply, self.reading)
        await self._noted(operation, reply, error)
        if error is None:
            return reply
        if renewed:
            raise UnavailableError(self.vendor, operation.name, 401, error.request_id, retry_after_s=0, bucket=bucket)
        raise error

    # ---- PAID, CREATES -------------------------------------------------------------------------------------------

    async def _once(self, operation: Operation, attempt: Callable[[], Awaitable[Reply]], ticket: Ticket) -> Reply:
        try:
            used = await self._admitted(operation, ticket)
        except BaseException as failure:
            await _to_its_end(asyncio.create_task(_released(ticket, type(failure).__name__)))
            raise
        sending = self._sent(operation, attempt, ticket, used)
        if ticket.is_sheltered:
            return await sending
        return await _to_its_end(asyncio.create_task(sending))

    async def _admitted(self, operation: Operation, ticket: Ticket) -> Mapping[str, str]:
        """Returns the credential once the call has its slot and a place among those under way, which ``_sent`` ends."""
        await self._room.acquire()
        try:
            await self.auth.headers()  # a sign-in takes its time: no slot waits for it
            await ticket.slot(self.limiter, self.bucket(operation))
            return await self.auth.headers()  # another call may have renewed it meanwhile
        except BaseException:
            self._room.release()
            raise

    async def _sent(
        self,
        operation: Operation,
        attempt: Callable[[], Awaitable[Reply]],
        ticket: Ticket,
        used: Mapping[str, str],
    ) -> Reply:
        """Sends the call from the ticket's ``sent`` to its end; while its reply is stored, another call may leave.

        A call that is not surely uncharged is uncertain, unknown types too.
        """
        bucket, name = self.bucket(operation), operation.name
        try:
            await ticket.sent()
            began = perf_counter()
            try:
                reply = await attempt()
            except UnsentError as failure:
                await ticket.released("unsent")
                self._log(operation, None, began, failure)
                await self._failed(bucket, failure)
                raise UnavailableError(self.vendor, name, bucket=bucket) from failure
            except BaseException as failure:
                await ticket.uncertain(type(failure).__name__)
                self._log(operation, None, began, failure)
                if not isinstance(failure, Exception):
                    raise
                await self.limiter.failed(bucket)
                raise OutcomeUnknownError(self.vendor, name) from failure
        finally:
            self._room.release()
        self.clock.heard(reply, began, perf_counter())
        error = replies.failure(self.vendor, bucket, operation, reply, self.reading)
        if error is None:
            await ticket.stored(reply)
        elif reply.status == 408 or reply.status >= 500:
            await ticket.uncertain(f"status {reply.status}")
            args = (self.vendor, name, reply.status, error.request_id)
            error = OutcomeUnknownError(*args, code=error.code, hint=error.hint)
        else:
            await ticket.released(f"status {reply.status}")
        self._log(operation, reply, began)
        await self._noted(operation, reply, error)
        if error is None:
            return reply
        if reply.status == 401 and await self.auth.renewed(used):
            raise UnavailableError(self.vendor, name, 401, error.request_id, retry_after_s=0, bucket=bucket) from error
        raise error

    # ---- both ----------------------------------------------------------------------------------------------------

    async def _noted(self, operation: Operation, reply: Reply, error: ConnectorError | None) -> None:
        """Tell the limiter what the reply said of the vendor's rate and health."""
        bucket = self.bucket(operation)
        for name, notice in self.reading.notices(operation, reply).items():
            await self.limiter.noticed(self._bucket(name), notice)
        if isinstance(error, RateLimitedError):
            await self.limiter.limited(error.bucket or bucket, error.retry_after_s, error.hint)
        elif (reply.status == 408 or reply.status >= 500) and reply.status not in self.reading.calm:
            await self.limiter.failed(bucket)
        else:
            await self.limiter.worked(bucket)

    async def _failed(self, bucket: str, failure: Exception) -> None:
        """Tell the limiter that the vendor was out of reach, unless the limiter itself kept the call from it."""
        if isinstance(failure, NoSlotError):
            raise failure.cause
        await self.limiter.failed(bucket)

    def _bucket(self, name: str) -> str:
        return f"{self.vendor}:{name}" if name else self.vendor

    def _log(
        self, operation: Operation, reply: Reply | None, began: float, failure: BaseException | None = None
    ) -> None:
        took_s, status = perf_counter() - began, reply.status if reply else None
        CALLS.note(self.vendor, operation, status, took_s)
        log.debug(
            "vendor.request.finished",
            vendor=self.vendor,
            operation=operation.name,
            status=status,
            duration_ms=round(took_s * 1000, 1),
            cause=type(failure).__name__ if failure else None,
        )

    # ---- HTTP ----------------------------------------------------------------------------------------------------

    async def _attempt(self, operation: Operation, url: str, extra: Mapping[str, str], content: bytes) -> Reply:
        headers = {**self._headers, **await self.auth.headers(), **extra}
        timeouts = dict(self._timeouts)
        if operation.repeat is Repeat.UPDATES:  # nor may it wait for a connection until its basis is old
            timeouts["connect"] = timeouts["pool"] = min(timeouts["connect"], self.fresh(operation))
        reply = await self._engine.exchange(operation.method, url, headers, content, timeouts)
        if self._redirects and operation.repeat is Repeat.SAFE and reply.status in {307, 308}:
            there = onward(url, reply.headers.get("location", ""))
            if there:
                return await self._engine.exchange(operation.method, there, headers, content, timeouts)
        return reply

    def fresh(self, operation: Operation) -> float:
        """Returns seconds for which the read behind an UPDATES call is fresh.

        Raises:
            StaleReadError: it is not any more, and nothing may be sent.
        """
        left = fresh_s(self._pace)
        if left <= 0:
            CALLS.unsent(self.vendor, operation)
            log.info("vendor.write.stale", vendor=self.vendor, operation=operation.name)
            raise StaleReadError(self.vendor, operation.name, bucket=self.bucket(operation), code=STALE_READ)
        return left


async def _to_its_end(task: asyncio.Task[T]) -> T:
    """Returns the task's result; a cancellation of the caller arrives only once the task is done."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await ended(task)
        except asyncio.CancelledError as arrived:
            cancelled = arrived
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen: its ticket step is done, the caller is gone
        raise cancelled
    return task.result()


def _released(ticket: Ticket, cause: str) -> Coroutine[Any, Any, None]:
    return ticket.released(cause)
