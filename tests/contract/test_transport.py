"""Sends through the transport to servers that behave in every bad way there is, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from time import perf_counter

import pytest
import structlog
from pydantic import SecretStr

from connectors.errors import (
    AccessError,
    ConflictError,
    ConnectorError,
    ContractError,
    CreditsError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    StaleReadError,
    UnavailableError,
)
from connectors.limits import FRESH_S, TicketSpentError, note_read, note_slot, slots_ahead, take_slot_again
from connectors.models import Reply
from connectors.transport import BODY_CAP, ConnectionTerms, Operation, Repeat, StaticAuth, Transport
from tests.contract.wire import Act, HeardLimiter, KeptTicket, Wire, answers, closes, hangs, resets, says, wire

READ = Operation("thing_read", "GET", "/things/{id}", Repeat.SAFE)
SEARCH = Operation("thing_search", "POST", "/things/search", Repeat.SAFE)
LOOKUP = Operation("thing_lookup", "POST", "/lookup/", Repeat.PAID, credits=5, misses=frozenset({404}))
CREATE = Operation("thing_create", "POST", "/things", Repeat.CREATES)
UPDATE = Operation("thing_update", "POST", "/things/update", Repeat.UPDATES)


@asynccontextmanager
async def sending(
    url: str,
    limiter: HeardLimiter | None = None,
    *,
    read_s: float = 20,
    connect_s: float = 10,
    connections: int = 100,
    redirects: bool = False,
    **more: object,
) -> AsyncIterator[Transport]:
    terms = ConnectionTerms(connect_s, read_s, connections, redirects)
    auth = more.pop("auth", StaticAuth("x-api-key", SecretStr("s3cret")))
    transport = Transport("acme", url, auth, limiter or HeardLimiter(), terms=terms, **more)  # type: ignore[arg-type]
    try:
        yield transport
    finally:
        await transport.aclose()


async def paid(transport: Transport, ticket: KeptTicket, operation: Operation = LOOKUP) -> Reply:
    return await transport.send(operation, json={"slug": "ada"}, ticket=ticket)


def refused_port() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


# ---- surely never connected, and everything else ---------------------------------------------------------------


@pytest.mark.parametrize("operation", [LOOKUP, CREATE])
@pytest.mark.parametrize("url", [refused_port, lambda: "https://no-such-host.invalid"], ids=["refused", "unknown"])
async def test_a_host_that_cannot_be_reached_releases_the_ticket(url: Callable[[], str], operation: Operation) -> None:
    ticket, limiter = KeptTicket(), HeardLimiter()
    async with sending(url(), limiter) as transport:
        with pytest.raises(UnavailableError):
            await paid(transport, ticket, operation)
    assert ticket.steps == ["sent", "released"]
    assert limiter.words == ["slot", "failed"]


async def test_a_connection_that_is_never_accepted_releases_the_ticket() -> None:
    with socket.socket() as full, socket.socket() as waiting, socket.socket() as waiting_too:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for taker in (waiting, waiting_too):  # fill the backlog, so that a further SYN stays unanswered
            taker.setblocking(False)
            taker.connect_ex(full.getsockname())
        ticket = KeptTicket()
        async with sending(f"http://127.0.0.1:{full.getsockname()[1]}", connect_s=0.05) as transport:
            with pytest.raises(UnavailableError):
                await paid(transport, ticket)
    assert ticket.steps == ["sent", "released"]


CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{"
LOST: dict[str, Act] = {
    "closes after the whole request": closes,
    "resets after the whole request": resets,
    "never answers": hangs,
    "cuts the body": says(CUT),
    "cuts the headers": says(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "garbled status line": says(b"HTTQ/9 what\r\n\r\n"),
    "500": answers(500),
    "503 with retry-after": answers(503, headers="retry-after: 1\r\n"),
    "408": answers(408),
    "status 999": answers(999),
    "endless headers": says(b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 500 + b"\r\n"),
    "huge header": says(b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * 70_000 + b"\r\n\r\n"),
    "gzip that is none": answers(200, b"not gzip", "content-encoding: gzip\r\n"),
    "gzip cut short": answers(200, gzip.compress(b"[]" * 900)[:-9], "content-encoding: gzip\r\n"),
    "unknown encoding": answers(200, b"zz", "content-encoding: br\r\n"),
}


@pytest.mark.parametrize("operation", [LOOKUP, CREATE])
@pytest.mark.parametrize("act", LOST.values(), ids=LOST.keys())
async def test_a_sent_call_without_a_clear_answer_is_uncertain_and_not_repeated(act: Act, operation: Operation) -> None:
    ticket, read_s = KeptTicket(), 0.05 if act is hangs else 20
    async with wire(act) as served, sending(served.url, read_s=read_s) as transport:
        with pytest.raises(OutcomeUnknownError):
            await paid(transport, ticket, operation)
        assert len(served.requests) == 1
    assert ticket.steps == ["sent", "uncertain"]


async def test_a_lost_keepalive_connection_does_not_repeat_a_paid_call() -> None:
    first, second = KeptTicket(), KeptTicket()
    async with wire(answers(200), closes) as served, sending(served.url) as transport:
        await paid(transport, first)
        with pytest.raises(OutcomeUnknownError):
            await paid(transport, second)
        assert len(served.requests) == 2
    assert second.steps == ["sent", "uncertain"]


async def test_a_callers_own_connect_trouble_does_not_make_a_lost_call_unsent() -> None:
    ticket = KeptTicket()
    async with sending(refused_port()) as refused, wire(closes) as served, sending(served.url) as transport:
        try:
            await paid(refused, KeptTicket())
        except UnavailableError:
            with pytest.raises(OutcomeUnknownError):
                await paid(transport, ticket)
    assert ticket.steps == ["sent", "uncertain"]


async def test_an_error_of_unknown_type_after_sent_is_uncertain() -> None:
    async def attempt() -> Reply:
        raise ZeroDivisionError

    ticket = KeptTicket()
    async with sending("http://127.0.0.1:1") as transport:
        with pytest.raises(OutcomeUnknownError):
            await transport.run(LOOKUP, attempt, ticket=ticket)
    assert ticket.steps == ["sent", "uncertain"]


# ---- answers and refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 204, 404])
async def test_an_answer_or_documented_miss_is_stored(status: int) -> None:
    ticket, limiter = KeptTicket(), HeardLimiter()
    body = b"" if status == 204 else b"[]"
    async with wire(answers(status, body)) as served, sending(served.url, limiter) as transport:
        reply = await paid(transport, ticket)
    assert (reply.status, reply.body) == (status, body)
    assert ticket.steps == ["sent", "stored"]
    assert ticket.reply == reply
    assert limiter.words == ["slot", "worked"]


REFUSALS: dict[int, type[ConnectorError]] = {
    301: AccessError, 307: AccessError, 400: RejectedError, 401: AccessError, 402: CreditsError, 403: AccessError,
    409: ConflictError, 410: NotFoundError, 418: RejectedError, 422: RejectedError, 423: UnavailableError,
    429: RateLimitedError,
}  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), REFUSALS.items())
async def test_a_refused_paid_call_gives_the_reservation_back(status: int, kind: type[ConnectorError]) -> None:
    ticket = KeptTicket()
    async with wire(answers(status, headers="location: /other\r\n")) as served, sending(served.url) as transport:
        with pytest.raises(kind) as caught:
            await paid(transport, ticket)
        assert len(served.requests) == 1
    assert type(caught.value) is kind
    assert ticket.steps == ["sent", "released"]


async def test_a_404_page_of_a_host_that_does_not_know_the_path_is_no_miss() -> None:
    ticket, page = KeptTicket(), answers(404, b"<html>", "content-type: text/html; charset=utf-8\r\n")
    async with wire(page) as served, sending(served.url) as transport:
        with pytest.raises(AccessError, match="base_url"):
            await paid(transport, ticket)
    assert ticket.steps == ["sent", "released"]


@pytest.mark.parametrize(("headers", "wait"), [("retry-after: 7\r\n", 7.0), ("", None)])
async def test_a_429_pauses_the_bucket_for_as_long_as_the_vendor_says(headers: str, wait: float | None) -> None:
    limiter = HeardLimiter()
    searching = Operation("thing_find", "POST", "/find", Repeat.PAID, bucket="search")
    async with wire(answers(429, headers=headers)) as served, sending(served.url, limiter) as transport:
        with pytest.raises(RateLimitedError) as caught:
            await paid(transport, KeptTicket(), searching)
    assert caught.value.retry_after_s == wait
    assert limiter.told == [("slot", "acme:search", None), ("limited", "acme:search", wait)]


# ---- the ticket's order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", [LOOKUP, SEARCH])
async def test_a_slot_too_far_away_releases_and_sends_nothing(operation: Operation) -> None:
    ticket = KeptTicket()
    limiter = HeardLimiter(refuse=RateLimitedError("acme", "slot", bucket="acme"))
    async with wire(answers(200)) as served, sending(served.url, limiter) as transport:
        with pytest.raises(RateLimitedError):
            await transport.send(operation, json={}, ticket=ticket if operation is LOOKUP else None)
        assert not served.requests
    assert ticket.steps == (["released"] if operation is LOOKUP else [])


class Spent(KeptTicket):
    async def sent(self) -> None:
        raise TicketSpentError


@pytest.mark.parametrize(
    ("ticket", "error"),
    [(Spent(), TicketSpentError), (KeptTicket(fails="sent"), ConnectionError)],
    ids=["spent", "down"],
)
async def test_a_ticket_that_cannot_be_noted_as_sent_sends_nothing(ticket: KeptTicket, error: type[Exception]) -> None:
    async with wire(answers(200)) as served, sending(served.url) as transport:
        with pytest.raises(error):
            await paid(transport, ticket)
        assert not served.requests


async def test_a_ledger_that_cannot_store_is_told_to_the_caller_and_the_ticket_is_not_called_uncertain() -> None:
    ticket = KeptTicket(fails="stored")
    async with wire(answers(200)) as served, sending(served.url) as transport:
        with pytest.raises(ConnectionError):
            await paid(transport, ticket)
    assert ticket.steps == ["sent"]
    assert ticket.reply is not None


async def test_a_paid_call_without_ticket_is_a_programming_error() -> None:
    async with sending("http://127.0.0.1:1") as transport:
        with pytest.raises(TypeError):
            await transport.send(LOOKUP, json={})


async def test_cancellation_arrives_only_after_the_answer_is_stored() -> None:
    async def held(served: Wire, writer: asyncio.StreamWriter) -> None:
        await served.go.wait()
        await answers(200, b"[1]")(served, writer)

    ticket = KeptTicket()
    async with wire(held) as served, sending(served.url) as transport:
        call = asyncio.create_task(paid(transport, ticket))
        await served.asked.wait()
        for _ in range(3):
            call.cancel()
            await asyncio.sleep(0)
        assert not call.done()
        served.go.set()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert ticket.steps == ["sent", "stored"]


async def test_cancellation_while_waiting_for_a_slot_releases() -> None:
    class Slow(HeardLimiter):
        waiting = asyncio.Event()

        async def slot(self, bucket: str, patience_s: float = 5.0) -> None:
            self.waiting.set()
            await asyncio.Event().wait()

    ticket, limiter = KeptTicket(), Slow()
    async with wire(answers(200)) as served, sending(served.url, limiter) as transport:
        call = asyncio.create_task(paid(transport, ticket))
        await limiter.waiting.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not served.requests
    assert ticket.steps == ["released"]


# ---- UPDATES calls: sent once, and only on what was just read -----------------------------------------------------


async def test_an_update_is_not_sent_again_with_a_fresh_credential() -> None:
    auth = Renewing("old", "new")
    async with wire(answers(401), answers(200)) as served, sending(served.url, auth=auth) as transport:
        with pytest.raises(UnavailableError) as caught:
            await transport.send(UPDATE, json={})
        assert len(served.requests) == 1
    assert (caught.value.status, caught.value.retry_after_s, auth.tokens) == (401, 0, ["new"])


async def test_an_update_on_an_old_read_is_not_sent_and_is_no_failure_of_the_vendor() -> None:
    limiter = HeardLimiter()
    async with wire(answers(200)) as served, sending(served.url, limiter) as transport, slots_ahead(limiter, []):
        await transport.send(READ, path={"id": 7})
        await transport.send(UPDATE, json={})
        note_read(perf_counter() - FRESH_S)
        with pytest.raises(StaleReadError):
            await transport.send(UPDATE, json={})
        assert len(served.requests) == 2
    assert "failed" not in limiter.words


async def test_a_read_made_again_counts_from_its_last_attempt() -> None:
    slow = answers(503, headers=f"retry-after: {FRESH_S:.0f}\r\n")
    async with wire(slow, answers(200)) as served, sending(served.url) as transport, slots_ahead(HeardLimiter(), []):
        await transport.send(READ, path={"id": 7})
        await transport.send(UPDATE, json={})
        assert len(served.requests) == 3


BIG = b"0" * (BODY_CAP + 1)
ONCE: dict[str, tuple[Operation, type[ConnectorError], tuple[Act, ...]]] = {
    "an update without a clear answer": (
        UPDATE,
        UnavailableError,
        (closes, resets, says(CUT), answers(503), answers(429), answers(408), answers(423)),
    ),
    "a refused read": (SEARCH, ConnectorError, tuple(map(answers, (400, 403, 404, 409, 422, 302)))),
    "a wait beyond its bound": (SEARCH, RateLimitedError, (answers(429, headers="retry-after: 31\r\n"),)),
    "a body beyond the cap": (
        SEARCH,
        ContractError,
        (answers(200, BIG), answers(200, gzip.compress(BIG), "content-encoding: gzip\r\n")),
    ),
}


@pytest.mark.parametrize(("operation", "error", "acts"), ONCE.values(), ids=ONCE)
async def test_what_no_repeat_mends_is_sent_once(
    operation: Operation, error: type[ConnectorError], acts: tuple[Act, ...]
) -> None:
    for act in acts:
        async with wire(act) as served, sending(served.url) as transport:
            with pytest.raises(error):
                await transport.send(operation, json={})
            assert len(served.requests) == 1


# ---- SAFE calls ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [closes, resets, says(CUT), answers(503), answers(429), answers(408)])
async def test_a_safe_call_is_repeated_until_it_is_answered(first: Act) -> None:
    limiter = HeardLimiter()
    async with wire(first, answers(200, b"1")) as served, sending(served.url, limiter) as transport:
        reply = await transport.send(SEARCH, json={})
        assert reply.body == b"1"
        assert len(served.requests) == 2
    assert limiter.words[-1] == "worked"
    assert limiter.words.count("slot") == 2


async def test_no_more_calls_are_under_way_than_the_pool_holds() -> None:
    under_way, most = 0, 0

    async def slow(served: Wire, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        await answers(200)(served, writer)

    async with wire(slow) as served, sending(served.url, connections=2) as transport:
        await asyncio.gather(*(transport.send(READ, path={"id": n}) for n in range(1, 8)))
        assert len(served.requests) == 7
    assert most == 2


async def test_another_paid_call_leaves_while_a_reply_is_stored() -> None:
    class Storing(KeptTicket):
        async def stored(self, reply: Reply) -> None:
            await second.stored_now.wait()
            await super().stored(reply)

    first, second = Storing(), KeptTicket()
    async with wire(answers(200, b"[1]")) as served, sending(served.url, connections=1) as transport:
        await asyncio.wait_for(asyncio.gather(paid(transport, first), paid(transport, second)), 5)
    assert first.steps == second.steps == ["sent", "stored"]


@pytest.mark.parametrize(
    ("act", "fails"), [(answers(200), "sent"), (answers(500), ""), (resets, ""), (answers(402), "")]
)
async def test_a_paid_call_leaves_its_place_to_another_however_it_ends(act: Act, fails: str) -> None:
    async with wire(act, answers(200, b"[1]")) as served, sending(served.url, connections=1) as transport:
        with pytest.raises((ConnectorError, ConnectionError)):
            await paid(transport, KeptTicket(fails=fails))
        await asyncio.wait_for(paid(transport, ticket := KeptTicket()), 5)
    assert ticket.steps == ["sent", "stored"]


async def test_a_vendor_that_fails_everything_is_asked_a_fifth_more_often_and_no_more() -> None:
    calls = 100
    async with wire(answers(503, headers="retry-after: 0\r\n")) as served, sending(served.url) as transport:
        for _ in range(calls):
            with pytest.raises(UnavailableError):
                await transport.send(SEARCH, json={})
        assert calls < len(served.requests) <= calls * 1.2 + 11


# ---- credentials, redirects, addresses -------------------------------------------------------------------------


class Renewing:
    """A token that is refreshed once."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[0]}"}

    async def renewed(self, refused: object) -> bool:
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True


async def test_a_401_ends_an_outage_before_the_credential_is_renewed() -> None:
    limiter, auth = HeardLimiter(), Renewing("old", "new")
    heard: list[list[str]] = []
    renew = auth.renewed

    async def renewed(refused: object) -> bool:
        heard.append(limiter.words)
        return await renew(refused)

    auth.renewed = renewed  # type: ignore[method-assign]  # the test's own credential
    async with wire(answers(401), answers(200)) as served, sending(served.url, limiter, auth=auth) as transport:
        await transport.send(SEARCH, json={})
    assert heard == [["slot", "worked"]]


async def test_the_refused_credential_is_the_one_that_was_sent() -> None:
    """While a call waits for its slot, another one may renew: what was at hand before that blames nothing."""
    auth = Renewing("old", "new", "newest")
    seen: list[object] = []

    class Renews(HeardLimiter):
        async def slot(self, bucket: str, patience_s: float = 5.0) -> None:
            if auth.tokens[0] == "old":
                auth.tokens.pop(0)
            await super().slot(bucket, patience_s)

    renew = auth.renewed

    async def renewed(refused: object) -> bool:
        seen.append(refused)
        return await renew(refused)

    auth.renewed = renewed  # type: ignore[method-assign]  # the test's own credential
    async with wire(answers(401), answers(200)) as served, sending(served.url, Renews(), auth=auth) as transport:
        await transport.send(SEARCH, json={})
    assert seen == [{"authorization": "Bearer new"}]


async def test_a_paid_401_with_a_new_token_is_released_for_an_immediate_retry() -> None:
    ticket = KeptTicket()
    async with wire(answers(401)) as served, sending(served.url, auth=Renewing("a", "b")) as transport:
        with pytest.raises(UnavailableError) as caught:
            await paid(transport, ticket)
        assert len(served.requests) == 1
    assert caught.value.retry_after_s == 0
    assert ticket.steps == ["sent", "released"]


async def test_a_redirect_within_the_origin_is_followed_once_when_allowed() -> None:
    onward = answers(307, headers="location: /things/7/\r\n")
    async with wire(onward, answers(200)) as served, sending(served.url, redirects=True) as transport:
        await transport.send(READ, path={"id": 7})
        assert served.requests[1].startswith(b"GET /things/7/ ")
    async with wire(onward, onward, answers(200)) as served, sending(served.url, redirects=True) as transport:
        with pytest.raises(AccessError):
            await transport.send(READ, path={"id": 8})
        assert len(served.requests) == 2


async def test_a_redirect_to_another_scheme_is_refused() -> None:
    async def act(served: Wire, writer: asyncio.StreamWriter) -> None:
        await answers(307, headers=f"location: {served.url.replace('http', 'https')}/x\r\n")(served, writer)

    async with wire(act) as served, sending(served.url, redirects=True) as transport:
        with pytest.raises(AccessError):
            await transport.send(READ, path={"id": 7})
        assert len(served.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com", "ftp://127.0.0.1", "https://user:pw@api.example.com", "https://",
        "https://a.example?x=1",
    ],
)  # fmt: skip
def test_an_unsafe_base_url_is_refused_at_construction(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|plain http"):
        Transport("acme", url, StaticAuth("k", SecretStr("v")), HeardLimiter())


@pytest.mark.parametrize("value", ["", ".", ".."])
async def test_a_climbing_path_value_is_refused(value: str) -> None:
    async with sending("http://127.0.0.1:1") as transport:
        with pytest.raises(ValueError, match="climbing"):
            await transport.send(READ, path={"id": value})


async def test_path_and_query_values_are_encoded_and_the_agent_is_named() -> None:
    async with wire(answers(200)) as served, sending(served.url, headers={"user-agent": "refill/9 (ops)"}) as transport:
        await transport.send(READ, path={"id": "a/b?c#é"}, query={"q": "x&y+z", "none": None})
        head = served.requests[0].decode()
    assert head.startswith("GET /things/a%2Fb%3Fc%23%C3%A9?q=x%26y%2Bz HTTP/1.1\r\n")
    assert "user-agent: refill/9 (ops)" in head.lower()


async def test_cookies_of_a_vendor_are_neither_kept_nor_sent() -> None:
    cookie = answers(200, headers="set-cookie: session=1; Path=/\r\n")
    async with wire(cookie) as served, sending(served.url) as transport:
        reply = await transport.send(SEARCH, json={})
        await transport.send(SEARCH, json={})
        assert "set-cookie" not in reply.headers
        assert b"cookie" not in served.requests[1].lower()


async def test_events_tell_ids_and_counts_only() -> None:
    unsure = answers(503)
    fine = answers(200, b'{"email": "ada@example.com"}')
    with structlog.testing.capture_logs() as events:
        async with wire(unsure, fine) as served, sending(served.url) as transport:
            await transport.send(READ, path={"id": "somebody"}, query={"q": "somebody"})
    assert [event["event"] for event in events] == [
        "vendor.request.finished",
        "vendor.request.retried",
        "vendor.request.finished",
    ]
    told = {"event", "log_level", "vendor", "operation", "status", "duration_ms", "cause", "attempt", "wait_s"}
    assert all(set(event) <= told for event in events)
    assert not any(word in str(events) for word in ("somebody", "ada@", "127.0.0.1", "s3cret"))


# ---- a slot that is lost on the way to the wire --------------------------------------------------------------------


class Late(HeardLimiter):
    """Grants a first slot that is lost at once, and then what ``then`` says."""

    def __init__(self, then: Exception | None = None) -> None:
        super().__init__()
        self.then = then

    async def slot(self, bucket: str, patience_s: float = 5.0) -> None:
        is_first = "slot" not in self.words
        if not is_first and self.then is not None:
            raise self.then
        await super().slot(bucket, patience_s)
        note_slot(self, bucket, asyncio.get_running_loop().time() if is_first else inf)


@pytest.mark.parametrize("operation", [LOOKUP, SEARCH])
@pytest.mark.parametrize("calls_before", [0, 1], ids=["on a new connection", "on a kept connection"])
async def test_a_call_that_is_late_for_its_slot_leaves_in_another(operation: Operation, calls_before: int) -> None:
    limiter, ticket = Late(), KeptTicket()
    async with wire(answers(200)) as served, sending(served.url, limiter) as transport:
        for _ in range(calls_before):
            await transport.send(SEARCH, json={})
        limiter.told.clear()
        reply = await transport.send(operation, json={}, ticket=ticket if operation is LOOKUP else None)
        assert (reply.status, len(served.requests)) == (200, 1 + calls_before)
    assert limiter.words == ["slot", "slot", "worked"]


@pytest.mark.parametrize("operation", [LOOKUP, CREATE, SEARCH])
async def test_a_call_that_gets_no_other_slot_is_not_sent_and_is_no_failure_of_the_vendor(operation: Operation) -> None:
    paused = RateLimitedError("acme", "slot", retry_after_s=9)
    limiter, ticket = Late(paused), KeptTicket()
    async with wire(answers(200)) as served, sending(served.url, limiter) as transport:
        with pytest.raises(RateLimitedError) as caught:
            await transport.send(operation, json={}, ticket=None if operation is SEARCH else ticket)
        assert not served.requests
    assert caught.value.retry_after_s == 9
    assert ticket.steps == ([] if operation is SEARCH else ["sent", "released"])
    assert limiter.words == ["slot"]


async def test_a_call_that_is_over_leaves_no_slot_to_what_its_task_does_next() -> None:
    limiter = Late()
    async with wire(answers(200)) as served, sending(served.url, limiter) as transport:
        await transport.send(SEARCH, json={})
    limiter.told.clear()
    await take_slot_again()  # as a sign-in would that comes later than the call's slot ended
    assert limiter.words == []


async def test_a_write_on_what_was_just_read_keeps_the_slot_that_was_taken_ahead() -> None:
    limiter = Late()
    async with wire(answers(200)) as served, sending(served.url, limiter) as transport, slots_ahead(limiter, ["acme"]):
        await transport.send(UPDATE, json={})
        assert len(served.requests) == 1
    assert limiter.words == ["slot", "worked"]
