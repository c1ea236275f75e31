"""Replies that are odd below the body: each ends in a typed outcome, within bounds of time, bytes and work.

Both ways on which calls leave meet them: the shared transport, and Salesforce's clients in threads.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.errors import ConnectorError, OutcomeUnknownError, UnavailableError
from connectors.limits import NoLimiter
from connectors.replies import BODY_CAP, HEADS, MEMBERS, BrokenError, ReplyBytes, UnfitError
from connectors.salesforce.client import Salesforce
from connectors.salesforce.options import CONCURRENCY, SalesforceOptions
from connectors.salesforce.org import LIMITS
from connectors.salesforce.wire import Call, Lines
from tests.contract.test_hostile_vendors import DESCRIBED, EACH, VENDORS, Vendor, meeting, say, token
from tests.contract.test_transport import READ, SEARCH, paid, sending
from tests.contract.wire import Act, KeptTicket, Wire, says, wire
from tests.harness.until import until

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n"
PACKED = HEAD + b"content-encoding: gzip\r\n"
ZEROS = gzip.compress(b"0" * (1 << 20))
EMPTY = gzip.compress(b"")


def for_ever(first: bytes, then: bytes, pause_s: float = 0.0) -> Act:
    """Sends ``then`` again and again, until the other side has had enough."""

    async def act(_served: Wire, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(then)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return act


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# What never ends by itself and must be ended by what it is, long before any deadline.
FLOODS: dict[str, Act] = {
    "chunks": for_ever(CHUNKED + b"\r\n", chunk(b" " * 65536)),
    "packed chunks": for_ever(CHUNKED + b"content-encoding: gzip\r\n\r\n", chunk(ZEROS)),
    "packed nothing": for_ever(PACKED + b"\r\n" + EMPTY[:10], b"\x00\x00\x00\xff\xff" * 8192),  # empty blocks
    "packed members": for_ever(PACKED + b"\r\n", EMPTY * 1000),
    "a file name in the gzip": for_ever(PACKED + b"\r\n\x1f\x8b\x08\x08" + b"\0" * 6, b"x" * 65536),
    "a body without length": for_ever(HEAD + b"\r\n", b" " * 65536),
    "heads": for_ever(HEAD, b"x-more: and more\r\n" * 1000),
    "one head": for_ever(HEAD + b"x-long: ", b"x" * 65536),
    "a status line": for_ever(b"HTTP/1.1 200 ", b"O" * 65536),
    "interim answers": for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "early hints": for_ever(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 1000),
    "a chunk's extension": for_ever(CHUNKED + b"\r\n5;x=", b"x" * 65536),
    "a chunk's length": for_ever(CHUNKED + b"\r\n", b"0" * 65536),
    "trailers": for_ever(CHUNKED + b"\r\n2\r\n{}\r\n0\r\n", b"x-more: and more\r\n" * 1000),
    "no http": for_ever(b"", b"\x16\x03\x01\x02\x00" * 13000),
}
# What ends, and is not what it says.
SHAPES: dict[str, Act] = {
    "gzip cut short": says(PACKED + b"connection: close\r\n\r\n" + gzip.compress(b'{"a": "%b"}' % (b"x" * 999))[:-9]),
    "gzip with a wrong sum": says(PACKED + b"\r\n" + gzip.compress(b"{}")[:-8] + b"\0" * 8),
    "gzip and more": says(PACKED + b"\r\n" + gzip.compress(b"{}") + b"rubbish"),
    "a bomb": says(PACKED + b"\r\n" + gzip.compress(b"0" * (64 << 20))),
    "a bomb in a bomb": says(PACKED + b"\r\n" + gzip.compress(gzip.compress(b"0" * (64 << 20)))),
    "two packings": says(HEAD + b"content-encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(b"{}"))),
    "another packing": says(HEAD + b"content-encoding: br\r\ncontent-length: 2\r\n\r\n{}"),
    "a length too long": says(HEAD + b"content-length: 900\r\n\r\n{}"),
    "a length of 400 digits": says(HEAD + b"content-length: " + b"9" * 400 + b"\r\n\r\n{}"),
    "a negative length": says(HEAD + b"content-length: -1\r\n\r\n{}"),
    "no number for a length": says(HEAD + b"content-length: +2x\r\n\r\n{}"),
    "a length of a terabyte": says(HEAD + b"content-length: 1099511627776\r\n\r\n{}"),
    "chunks cut short": says(CHUNKED + b"\r\n" + chunk(b"{")),
    "a chunk of 400 digits": says(CHUNKED + b"\r\n" + b"f" * 400 + b"\r\n{}"),
    "a negative chunk": says(CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n"),
    "no answer": says(b""),
    "half a status line": says(b"HTTP/1.1 20"),
    "half a head": says(HEAD + b"x-half"),
    "another protocol": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a switch of protocols": says(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nPRI"
    ),
    "only an interim answer": says(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a status of nine digits": says(b"HTTP/1.1 999999999 OK\r\ncontent-length: 0\r\n\r\n"),
    "a status that is none": says(b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n"),
    "a nul in a head": says(HEAD + b"x-nul: a\0b\r\ncontent-length: 7\r\n\r\n[1, 2]["),
}


ODD = FLOODS | SHAPES
OF_EACH_KIND = ("chunks", "interim answers", "trailers", "a bomb", "gzip cut short", "a length too long", "no answer")


@EACH
@pytest.mark.parametrize("act", ODD.values(), ids=ODD)
async def test_an_odd_reply_to_a_call_that_is_sent_once_ends_in_a_typed_error(vendor: Vendor, act: Act) -> None:
    """By what the reply is, long before a deadline."""
    async with meeting(vendor, act, first=(token, DESCRIBED)) as (client, _), asyncio.timeout(12):
        with pytest.raises(ConnectorError):
            await vendor.once(client)


@pytest.mark.parametrize("vendor", [VENDORS[0], VENDORS[4]], ids=["the shared transport", "threads"])
@pytest.mark.parametrize("name", OF_EACH_KIND)
async def test_an_odd_reply_to_a_read_ends_in_a_typed_error(vendor: Vendor, name: str) -> None:
    """Reads are made again, so they take a while."""
    async with meeting(vendor, ODD[name]) as (client, _), asyncio.timeout(12):
        with pytest.raises(ConnectorError):
            await vendor.read(client)


@pytest.mark.parametrize("act", FLOODS.values(), ids=FLOODS)
async def test_a_flood_costs_little_memory(act: Act) -> None:
    async with wire(act) as served, sending(served.url) as transport:
        tracemalloc.start()
        try:
            with pytest.raises(OutcomeUnknownError):
                await paid(transport, KeptTicket())
            assert tracemalloc.get_traced_memory()[1] < 4 * BODY_CAP
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("name", ["a bomb", "packed members", "packed nothing", "interim answers", "heads", "chunks"])
async def test_a_flood_costs_little_work(name: str) -> None:
    """Much less than a second a call, both sides of the wire together: each is ended by what it is."""
    async with wire((FLOODS | SHAPES)[name]) as served, sending(served.url) as transport:
        began = time.process_time()
        with pytest.raises(OutcomeUnknownError):
            await paid(transport, KeptTicket())
        assert time.process_time() - began < 0.05 * 16 * 2  # 50 ms a MiB of the cap, and as much for the sender


# ---- slow ones -------------------------------------------------------------------------------------------------------

DRIPS: dict[str, Act] = {
    "a status line": for_ever(b"HTTP/1.1 200 ", b"O", 0.02),
    "heads": for_ever(HEAD, b"x-more: x\r\n", 0.1),
    "a body": for_ever(HEAD + b"content-length: 900000\r\n\r\n", b" ", 0.02),
    "chunks": for_ever(CHUNKED + b"\r\n", chunk(b" "), 0.02),
    "packed": for_ever(PACKED + b"\r\n" + EMPTY[:10], b"\x00\x00\x00\xff\xff", 0.02),
    "interim answers": for_ever(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.1),
}


@pytest.mark.parametrize("act", DRIPS.values(), ids=DRIPS)
async def test_a_drip_ends_at_the_deadline(act: Act) -> None:
    async with wire(act) as served, sending(served.url, connect_s=0.2, read_s=0.4) as transport:
        ticket = KeptTicket()
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknownError):
                await paid(transport, ticket)
        assert ticket.steps == ["sent", "uncertain"]


@asynccontextmanager
async def org(*acts: Act) -> AsyncIterator[tuple[Salesforce, Wire]]:
    async with wire(token, *acts) as served:
        options = SalesforceOptions(base_url=served.url, client_id=SecretStr("i"), client_secret=SecretStr("s"))
        client = Salesforce.opened("drip", options, NoLimiter(), connect_s=0.2, read_s=0.4)
        yield client, served
        await client.aclose()


@pytest.mark.parametrize("name", ["heads", "a body", "interim answers"])
async def test_a_drip_keeps_no_thread_of_salesforce(name: str) -> None:
    """More calls than threads, none of which would ever end: afterwards an answer is taken as always."""
    calls = CONCURRENCY + 2
    drips = iter([DRIPS[name]] * (3 * calls))

    async def dripping(served: Wire, writer: asyncio.StreamWriter) -> None:
        await next(drips, say({}))(served, writer)

    async with org(dripping) as (client, _), asyncio.timeout(20):
        ended = await asyncio.gather(*(client.account_status() for _ in range(calls)), return_exceptions=True)
        assert all(isinstance(one, UnavailableError) for one in ended)
        await until(lambda: busy("drip") == 0)


def busy(name: str) -> int:
    """Threads of a client that are in the middle of a call."""
    import sys

    frames = sys._current_frames()
    found = [one for one in threading.enumerate() if one.name.startswith(name)]
    return sum("_exchange" in stack(frames.get(one.ident or 0)) for one in found)


def stack(frame: Any) -> set[str]:
    names = set()
    while frame is not None:
        names.add(frame.f_code.co_name)
        frame = frame.f_back
    return names


# ---- answers that are another's -------------------------------------------------------------------------------------


def unasked(when: str) -> Act:
    """Answers each request by its number; the first answer is followed by one that nobody asked for."""
    served_so_far = 0

    async def act(_served: Wire, writer: asyncio.StreamWriter) -> None:
        nonlocal served_so_far
        served_so_far += 1
        body, other = b'{"n": %d}' % served_so_far, b'{"n": 99}'
        answer, stray = (HEAD + b"content-length: %d\r\n\r\n" % len(one) + one for one in (body, other))
        writer.write(answer + (stray if when == "at once" and served_so_far == 1 else b""))
        await writer.drain()
        if when == "later" and served_so_far == 1:
            await asyncio.sleep(0.05)
            writer.write(stray)
            await writer.drain()

    return act


@pytest.mark.parametrize("when", ["at once", "later"])
async def test_an_answer_that_nobody_asked_for_is_nobodys_answer(when: str) -> None:
    """Such as the 408 that a balancer sends on an idle connection; taken for the next one's, it would be paid for."""
    async with wire(unasked(when)) as served, sending(served.url) as transport:
        assert (await transport.send(READ, path={"id": 1})).body == b'{"n": 1}'
        await asyncio.sleep(0.15)  # nothing can be waited for: the stray one leaves no trace
        ticket = KeptTicket()
        assert (await paid(transport, ticket)).body == b'{"n": 2}'
        assert ticket.steps == ["sent", "stored"]


@pytest.mark.parametrize("when", ["at once", "later"])
async def test_an_answer_that_nobody_asked_for_is_nobodys_answer_at_salesforce(when: str) -> None:
    async with wire(token, unasked(when)) as served:
        options = SalesforceOptions(base_url=served.url, client_id=SecretStr("i"), client_secret=SecretStr("s"))
        client = Salesforce.opened("acme", options, NoLimiter())
        org = client._org
        replies = []
        for _ in range(2):
            replies.append((await org.send(LIMITS, "limits")).body)
            await asyncio.sleep(0.15)
        assert replies == [b'{"n": 1}', b'{"n": 2}']
        await client.aclose()


async def test_interim_answers_before_an_answer_are_passed_over() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * (HEADS - 1)
    async with wire(says(hints + HEAD + b"content-length: 2\r\n\r\n{}")) as served, sending(served.url) as transport:
        assert (await transport.send(SEARCH, json={})).body == b"{}"


# ---- drawn -----------------------------------------------------------------------------------------------------------

WHOLE = b'{"emails": [{"email": "a@b.example", "kind": "work"}], "n": 12345}'
REPLIES: dict[str, bytes] = {
    "plain": HEAD + b"content-length: %d\r\n\r\n" % len(WHOLE) + WHOLE,
    "chunked": CHUNKED + b"\r\n" + chunk(WHOLE[:20]) + chunk(WHOLE[20:]) + b"0\r\n\r\n",
    "packed": PACKED + b"content-length: %d\r\n\r\n" % len(gzip.compress(WHOLE)) + gzip.compress(WHOLE),
    "packed chunks": CHUNKED + b"content-encoding: gzip\r\n\r\n" + chunk(gzip.compress(WHOLE)) + b"0\r\n\r\n",
    "packed, no length": PACKED + b"connection: close\r\n\r\n" + gzip.compress(WHOLE),
}


@pytest.mark.parametrize("name", REPLIES)
async def test_a_paid_reply_cut_anywhere_is_uncertain_and_never_half_an_answer(name: str) -> None:
    """Cut after each of its bytes; only the whole of it is stored."""
    whole = REPLIES[name]
    for size in range(len(whole)):
        async with wire(says(whole[:size])) as served, sending(served.url) as transport:
            ticket = KeptTicket()
            try:
                reply = await paid(transport, ticket)
            except OutcomeUnknownError:
                assert ticket.steps == ["sent", "uncertain"]
            else:
                assert reply.body == WHOLE, f"half an answer at {size} of {len(whole)}"
                assert ticket.steps == ["sent", "stored"]
    async with wire(says(whole)) as served, sending(served.url) as transport:
        assert (await paid(transport, KeptTicket())).body == WHOLE


async def test_a_reply_of_an_org_cut_anywhere_in_its_head_is_none() -> None:
    """Half a head may tell of a spent day: ``api-usage=17/1`` of ``17/100000``."""
    whole = b"HTTP/1.1 200 OK\r\nsforce-limit-info: api-usage=17/100000\r\ncontent-length: 2\r\n\r\n{}"
    lines = Lines("cut", "64.0", 5, 5)
    for size in range(len(whole) + 1):
        async with wire(says(whole[:size])) as served:
            try:
                reply = await lines.exchange(Call("GET", "limits"), served.url, "t")
            except BrokenError:
                assert size < len(whole)
            else:
                assert (reply.body, size) == (b"{}", len(whole))
    lines.close()


def taken(encoding: str, parts: list[bytes]) -> bytes:
    body = ReplyBytes(200, {"content-encoding": encoding, "content-length": str(sum(map(len, parts)))})
    for part in parts:
        body.take(part)
    return body.whole()


@given(st.lists(st.binary(max_size=64), max_size=6), st.integers(1, 40))
def test_members_of_a_gzip_are_one_body_however_it_arrives(members: list[bytes], step: int) -> None:
    packed = b"".join(gzip.compress(one) for one in members)
    assert taken("gzip", [packed[at : at + step] for at in range(0, len(packed), step)]) == b"".join(members)


@given(st.binary(max_size=200), st.data())
def test_a_changed_gzip_is_refused_or_the_same(data: bytes, drawn: st.DataObject) -> None:
    """Its sum is looked at: what comes out is what went in, or nothing."""
    packed = bytearray(gzip.compress(data, mtime=0))
    at = drawn.draw(st.integers(10, len(packed) - 1))  # the head says nothing of the data
    packed[at] ^= drawn.draw(st.integers(1, 255))
    with suppress(BrokenError):
        assert taken("gzip", [bytes(packed)]) == data


@pytest.mark.parametrize(
    "parts",
    [
        [EMPTY * (MEMBERS + 1)],
        [zlib.compress(b"{}")],
        [b"0" * BODY_CAP, b"0"],
        [gzip.compress(b"0" * (BODY_CAP + 1))],
        [gzip.compress(b"0" * BODY_CAP), gzip.compress(b"0")],
    ],
    ids=["members", "no gzip", "one byte more", "one byte more inside", "one byte more in another member"],
)
def test_a_body_beyond_its_bounds_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(UnfitError):
        taken("" if len(parts[0]) == BODY_CAP else "gzip", parts)


async def test_a_body_of_the_very_cap_is_taken() -> None:
    assert len(taken("gzip", [gzip.compress(b"0" * BODY_CAP)])) == BODY_CAP
    assert len(taken("", [b"0" * BODY_CAP])) == BODY_CAP
