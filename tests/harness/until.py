"""Tests wait for conditions, not for seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

LOOK_S, WITHIN_S = 0.05, 90.0


async def until(
    condition: Callable[[], Any], what: str = "what was waited for", within_s: float = WITHIN_S, look_s: float = LOOK_S
) -> Any:
    """Returns the value of a condition, awaited where it can be, as soon as it is true."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"never seen: {what}"
        await asyncio.sleep(look_s)
