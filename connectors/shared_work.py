"""Starts work that several wait for, such as a batch or a new session: no log line of it names whoever asked first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from structlog.contextvars import unbind_contextvars

Result = TypeVar("Result")


def shared(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Begins ``work`` as a task whose log lines name neither a record nor a run."""
    context = copy_context()
    context.run(unbind_contextvars, "record_id", "run")
    return asyncio.get_running_loop().create_task(work, context=context)
