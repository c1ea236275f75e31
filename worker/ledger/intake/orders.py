"""Keeps the status of OpenProspect's orders, as last listed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import asdict

from worker.ledger.rates.cursors import Cursors

FIRST_WAIT_MS = 300_000
_NAME = "orders"


class FollowedOrders(Struct, frozen=True):
    """Holds orders as last listed: status by id, and those whose results we have. Listed again at ``next_ms``."""

    orders: Mapping[str, str] = {}
    fetched: tuple[str, ...] = ()
    wait_ms: int = FIRST_WAIT_MS
    next_ms: int = 0


async def followed(cursors: Cursors) -> FollowedOrders:
    """Returns the orders as they were last listed; none before that."""
    return FollowedOrders(**json.loads(await cursors.get(_NAME) or "{}"))


async def follow(cursors: Cursors, orders: FollowedOrders) -> None:
    await cursors.set(_NAME, json.dumps(asdict(orders)))
