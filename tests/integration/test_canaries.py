"""Secrets and people's data end up in no page, metric, key of Redis, spool or file, after work of every kind."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from connectors.models import Reply
from tests.harness.canaries import CANARIES, PERSON, SECRET
from tests.integration.triggers.floor import HUBSPOT, PATH_SECRET, PUBLIC, SALESFORCE, Floor, opened
from worker.ledger.money.answers import unpack
from worker.ledger.money.spool import Spool
from worker.ledger.money.ticket_values import Granted

DAY_MS = 86_400_000
PAGES = ("/", "/healthz", "/readyz", "/metrics", "/api", "/api/openapi.json", "/nobody")
# Keys that hold personal data, by what docs/design.md says they are for; no other key may hold any.
PERSONAL = {
    "answer:*": "raw replies of providers",
    "own:*": "values of ours",
    "journal": "changes, before and after",
    "reviews:*": "proposed changes",
    "work:*:record:*": "open changes of a visit",
    "claims:*": "addresses and profiles of rows we create",
    "creation:*": "the claims of one creation",
    "deliveries:rows": "delivered rows",
    "signals:*": "employers",
}
READ = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
    b"stream": ("XRANGE", "-", "+"),
}


def texts(value: object) -> str:
    """Everything in a reply of Redis as text; what is compressed is unpacked."""
    if isinstance(value, list | tuple):
        return "\n".join(texts(one) for one in value)
    if isinstance(value, dict):
        return texts([*value.items()])
    if not isinstance(value, bytes):
        return str(value)
    return (unpacked(value) or value).decode("utf-8", "replace")


def unpacked(value: bytes) -> bytes:
    """A kept reply, after its line of facts, or a delivered row; empty when it is neither."""
    try:
        return zlib.decompress(value)
    except zlib.error:
        pass
    facts, _, packed = value.partition(b"\n")
    try:
        reply = unpack(packed)
    except ValueError:
        return b""
    return facts + str(dict(reply.headers)).encode() + reply.body


async def kept(redis: Redis) -> dict[str, str]:
    """Every key of the ledger with all that it holds, its name too."""
    found: dict[str, str] = {}
    for key in sorted(await redis.keys("*")):
        command, *bounds = READ[await redis.type(key)]
        value: Any = await redis.execute_command(command, key, *bounds)  # type: ignore[no-untyped-call]  # redis-py
        found[key.decode()] = f"{key.decode()}\n{texts(value)}"
    return found


def is_personal(key: str) -> bool:
    patterns = (re.escape(f"refill:{pattern}").replace(r"\*", ".*") for pattern in PERSONAL)
    return any(re.fullmatch(pattern, key) for pattern in patterns)


async def worked(floor: Floor) -> None:
    """Every record is visited: told of by webhooks and found by polls, bought for, written to, proposed, erased."""
    hook = f"/webhooks/hubspot/{HUBSPOT}"
    await floor.control("hubspot", "webhooks", {"url": floor.url + hook, "signed_url": PUBLIC + hook})
    rows = [row for row in await floor.control("hubspot", "records/contacts") if not row["archived"]]
    for row in rows:
        await floor.edit("hubspot", "contacts", row["id"], hs_email_optout="false")
    await floor.quiet("hubspot")
    for crm, kind in ((HUBSPOT, "contact"), (SALESFORCE, "contact"), (SALESFORCE, "lead")):
        await floor.poll(crm, kind, lookback_ms=DAY_MS)
        await floor.visit_all(crm, kind)
    await floor.control("hubspot", "delete", {"object": "contacts", "id": rows[0]["id"], "erase": True})
    await floor.quiet("hubspot")
    await floor.visit_all()


async def test_personal_data_is_where_it_belongs_and_secrets_are_nowhere(redis: Redis, tmp_path: Path) -> None:
    CANARIES.add(SECRET, "outbound path", PATH_SECRET)
    CANARIES.add(SECRET, "web token", "api-token-canary")
    async with opened(redis, tmp_path, {"crm": {SALESFORCE: {"mode": "review"}}}) as floor:
        await worked(floor)
        held = await kept(redis)
        assert CANARIES.seen("\n".join(held.values()), [PERSON]), "nothing was bought or written"
        assert {key: slots for key, text in held.items() if (slots := CANARIES.seen(text, [SECRET]))} == {}
        strays = {key: slots for key, text in held.items() if (slots := CANARIES.seen(text, [PERSON]))}
        assert {key: slots for key, slots in strays.items() if not is_personal(key)} == {}

        assert {"refill:answer", "refill:journal", "refill:reviews"} <= {":".join(key.split(":")[:2]) for key in strays}

        secret_path = f"/webhooks/salesforce/{SALESFORCE}/{PATH_SECRET}"
        for page in (*PAGES, secret_path):
            told = await floor.http.get(floor.url + page)
            assert not CANARIES.seen(f"{told.headers}\n{told.text}"), page
        refused = await floor.http.post(floor.url + secret_path, content=b"<x/>")
        assert not CANARIES.seen(refused.text), refused

        reply = await a_reply(redis)
        await Spool(tmp_path / "data").keep(Granted("ticket", "token"), reply, credits=1, hit=True, keep_ms=1)
        assert CANARIES.seen(texts(next((tmp_path / "data" / "spool").iterdir()).read_bytes()), [PERSON])
        for path in (tmp_path / "data").rglob("*"):
            assert not path.is_file() or not CANARIES.seen(texts(path.read_bytes()), [SECRET]), path
            assert not path.is_file() or not CANARIES.seen(path.read_text("utf-8", "replace")), path


async def a_reply(redis: Redis) -> Reply:
    """A kept reply that tells of somebody."""
    for key in await redis.keys("refill:answer:*"):
        value: bytes = await redis.get(key)
        if CANARIES.seen(texts(value), [PERSON]):
            return unpack(value.partition(b"\n")[2])
    raise AssertionError("no reply tells of anybody")
