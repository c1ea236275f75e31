"""Reads recent known charges: how many credits, and between which moments.

Charges are kept in a ring of lists, one for the calls stored within ten minutes. A list expires an hour after its last
charge, before its turn comes again. All lists are read, so a clock that was set does no harm.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from worker.ledger.scripts import Scripts

KEPT_MS, RING = 3_600_000, "01234567"


class Charge(Struct, frozen=True):
    """Holds a call known to be charged. The provider counted it somewhere between ``sent`` and ``stored``.

    ``stretch`` is that of the provider's clock as it was sent.
    """

    sent: int
    stored: int
    credits: int
    stretch: int


async def charges(scripts: Scripts, provider: str, operations: Collection[str], since_ms: int) -> list[Charge]:
    """Returns the charges of calls sent since then, of the last hour."""
    since = max(since_ms, await scripts.now() - KEPT_MS)
    lists = [scripts.keys("charges", provider, one, turn) for one in operations for turn in RING]
    rows = await scripts.calls([("LRANGE", name, 0, -1) for name in lists])
    found = [_charge(row) for listed in rows for row in listed]
    old = [scripts.keys("charges_before", provider, one) for one in operations]
    sets = await scripts.calls([("ZRANGEBYSCORE", name, since, "+inf", "WITHSCORES") for name in old])
    found += [_before(*pair) for flat in sets for pair in zip(flat[::2], flat[1::2], strict=True)]
    return [one for one in found if one.sent >= since]


def _charge(row: bytes) -> Charge:
    sent, lasted, credits, stretch = map(int, row.split())
    return Charge(sent, sent + lasted, credits, stretch)


def _before(member: bytes, sent: bytes) -> Charge:
    ticket, stored, credits = member.split(b":")
    return Charge(int(sent), int(stored), int(credits), int(ticket.partition(b"@")[2] or 0))
