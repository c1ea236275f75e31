"""Starts and awaits tasks that belong to nobody alone: a batch, a new session, a call on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from structlog.contextvars import unbind_contextvars

Result = TypeVar("Result")


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


def shared(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Begins ``work`` as a task whose log lines name neither a record nor a run."""
    context = copy_context()
    context.run(unbind_contextvars, "record_id", "run")
    return asyncio.get_running_loop().create_task(work, context=context)
