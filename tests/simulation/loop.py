"""An event loop whose clock jumps to the next timer, and whose order of what is ready comes from a seed.

A handle that belongs to a dead process is never run: that is what a SIGKILL does to the code of a process.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from connectors.batching import Batcher

STEPS_MOST = 150_000  # a run that takes more goes round in circles


@dataclass(eq=False, slots=True)
class Process:
    """Holds whatever runs in one memory. ``tasks`` is not collected: no ``finally`` of a dead process runs."""

    name: str
    dead: bool = False
    frozen: bool = False
    held: list[Handle] = field(default_factory=list, repr=False)  # what would have run meanwhile
    tasks: list[asyncio.Task[Any]] = field(default_factory=list, repr=False)


PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)
BATCH: contextvars.ContextVar[object] = contextvars.ContextVar("batch", default=None)
"""The batch that is sent in this context and in tasks that it starts: its writes are decided on its own reads."""


class Handle:
    """Holds what is to be called, and when."""

    __slots__ = ("args", "at", "callback", "context", "gone")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: contextvars.Context | None, at: float
    ) -> None:
        self.callback, self.args, self.at, self.gone = callback, args, at, False
        self.context = context if context is not None else contextvars.copy_context()

    def cancel(self) -> None:
        """It is never called."""
        self.gone = True

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.gone

    def when(self) -> float:
        """The time it was set for."""
        return self.at


class StuckError(Exception):
    """Nothing is ready and no timer is set, or the run has no end."""


class DepartedError(BaseException):
    """Says that a thread has come to a call. It is run anew when ``crossing``, which keeps the answer, is over."""

    def __init__(self, crossing: Coroutine[Any, Any, None]) -> None:
        super().__init__()
        self.crossing = crossing


class VirtualLoop(asyncio.BaseEventLoop):
    """``moment`` is epoch seconds; ``time()`` is the same, and nothing but a timer moves it."""

    def __init__(self, seed: int, moment: float) -> None:
        super().__init__()
        self.moment, self.steps = moment, 0
        self._chance = random.Random(f"order-{seed}")
        self.set_task_factory(_kept)  # type: ignore[arg-type]  # its protocol is wider than what is called
        self.set_exception_handler(lambda _loop, _told: None)  # a dead process leaves tasks behind on purpose
        self._ready: list[Handle] = []
        self._timers: list[tuple[float, int, Handle]] = []
        self._set = 0

    def time(self) -> float:
        return self.moment

    def call_later(  # type: ignore[override]  # what it gives is as much of a handle as anybody uses
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Handle:
        return self.call_at(self.moment + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Handle:
        if self.is_closed():
            raise RuntimeError("the run is over")
        handle = Handle(callback, args, context, when)
        self._set += 1
        heapq.heappush(self._timers, (when, self._set, handle))  # a tuple, not the handle: compared without Python
        return handle

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Handle:
        if self.is_closed():
            raise RuntimeError("the run is over")
        handle = Handle(callback, args, context, 0.0)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there is one thread

    def _run_once(self) -> None:
        timers, batch, moment = self._timers, self._ready, self.moment
        self._ready = []
        if not batch:
            while timers and timers[0][2].gone:
                heapq.heappop(timers)
            if not timers:
                raise StuckError("nothing to wait for")
            self.moment = moment = max(moment, timers[0][0])
        while timers and timers[0][0] <= moment:
            batch.append(heapq.heappop(timers)[2])
        if len(batch) > 1:
            self._chance.shuffle(batch)
        self.steps += len(batch)
        if self.steps > STEPS_MOST:
            raise StuckError("no end in sight")
        for handle in batch:
            if handle.gone:
                continue
            process = handle.context.get(PROCESS)
            if process is None or not (process.dead or process.frozen):
                try:
                    handle.context.run(handle.callback, *handle.args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException:  # noqa: BLE001, S110 - a task keeps its own; of other callbacks nobody is told
                    pass
            elif process.frozen:
                process.held.append(handle)

    def freeze(self, process: Process) -> None:
        """Nothing of the process runs until it is thawed; what comes for it waits."""
        process.frozen = True

    def thaw(self, process: Process) -> None:
        """It goes on where it was."""
        process.frozen = False
        self._ready.extend(process.held)
        process.held.clear()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """In this thread: at once, as disks of the simulation take no time, or when the call it makes is over.

        As a thread it goes on when nobody waits for it any more.
        """
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except DepartedError as departed:
            self.create_task(_resumed(future, departed.crossing, func, args))
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
        return future

    def _process_events(self, event_list: Any) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""


async def _resumed(
    future: asyncio.Future[Any],
    crossing: Coroutine[Any, Any, None],
    func: Callable[..., Any],
    args: tuple[Any, ...],
) -> None:
    await crossing
    try:
        result = func(*args)
    except Exception as error:  # noqa: BLE001 - it is the caller's
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)


def _kept(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **how: Any) -> asyncio.Task[Any]:
    if getattr(coro, "cr_code", None) is Batcher._deliver.__code__:
        how.setdefault("context", contextvars.copy_context()).run(BATCH.set, object())
    task = asyncio.Task(coro, loop=loop, **how)
    context = how.get("context")
    process = context.get(PROCESS) if context is not None else PROCESS.get()
    if process is not None:
        process.tasks.append(task)
        if len(process.tasks) > 4_000:
            process.tasks = [one for one in process.tasks if not one.done()]
    return task
