"""Waits for a task whose end is nobody's to hasten."""

from __future__ import annotations

import asyncio
from typing import Any


async def ended(task: asyncio.Task[Any]) -> None:
    """Return when the task has ended, however; a cancellation of the caller leaves it alone.

    ``asyncio.wait`` and ``asyncio.shield`` do the same for several times the work, on the way of every paid call.
    """
    if task.done():
        return
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(_: object) -> None:
        if not over.done():
            over.set_result(None)

    task.add_done_callback(tell)
    try:
        await over
    finally:
        task.remove_done_callback(tell)
