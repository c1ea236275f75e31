"""Gathers the single reads and writes of concurrent visits of one (crm, object) into the vendor's batch call.

A batch that nobody can join any more leaves at once; to know that, joiners are counted. Several askers share a
task that belongs to none of them (``shared``, ``ended``): a batch, a new session, a call on the wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from structlog.contextvars import unbind_contextvars

from connectors.errors import ContractError, RejectedError, UnavailableError

JOINER: ContextVar[Joiner | None] = ContextVar("joiner", default=None)
"""The asker for batches in this context and in tasks that it starts; ``None``: not counted."""


@dataclass(eq=False, slots=True)
class Joiner:
    """Counts one that is at work and may ask batches. A batch waits ``patience`` times as long for company.

    ``waits`` counts places in batches still gathered, ``rests`` those in any batch, and steps, that are not back, and
    ``dozes`` these and waits for the clock.
    """

    joiners: Joiners
    patience: int = 1
    waits: int = 0
    rests: int = 0
    dozes: int = 0
    gone: bool = False

    def wait(self) -> None:
        """Count a place taken in a batch that is being gathered."""
        self.waits += 1
        if self.waits == 1 and not self.gone:
            self.joiners.busy -= 1
        self.joiners.look()

    def go_on(self) -> None:
        """Count a place whose batch has left."""
        self.waits -= 1
        if not self.waits and not self.gone:
            self.joiners.busy += 1

    def rest(self) -> None:
        """Count that nothing is done but to wait for a batch or a step, until ``rise``."""
        self.rests += 1
        self.joiners.resting += self.rests == 1
        self.doze()

    def rise(self) -> None:
        """Count one wait less."""
        self.rests -= 1
        self.joiners.resting -= not self.rests
        self.wake()

    def doze(self) -> None:
        """Count that no step is taken until ``wake``."""
        self.dozes += 1
        if self.dozes == 1:
            self.joiners.dozing += 1
            self.joiners.look_for_steps()

    def wake(self) -> None:
        """Count one such wait less."""
        self.dozes -= 1
        self.joiners.dozing -= not self.dozes

    def leave(self) -> None:
        """Count the joiner out: its work is done."""
        if not self.gone:
            self.joiners.busy -= not self.waits
            self.joiners.present -= 1
        self.gone = True
        self.joiners.look()
        self.joiners.look_for_steps()


class Joiners:
    """Counts those at work in one process. When all of them wait for batches to leave, the oldest batch leaves.

    The younger ones do not yet: whoever waited for the oldest may join them next. ``busy`` are those at work that
    wait for no batch being gathered: each could ask next. ``resting`` are those that wait for a batch or a step,
    ``dozing`` these and those that wait for a time to come.
    """

    def __init__(
        self, slowness: Callable[[], float] = lambda: 1.0, nobody_awake: Callable[[], None] = lambda: None
    ) -> None:
        """Take ``slowness``: how many times longer than usual it takes of late whoever is at work to get on.

        ``nobody_awake`` is called when the last one rests.
        """
        self.slowness, self._nobody_awake = slowness, nobody_awake
        self.busy = self.present = self.resting = self.dozing = 0
        self._gathered: dict[object, Callable[[], None]] = {}
        self._is_due = False

    @property
    def awake(self) -> int:
        """Returns how many wait neither for a batch nor for a step, nor for their time: each could take one next."""
        return self.present - self.dozing

    def enter(self, patience: int = 1) -> Joiner:
        """Count one more at work, until ``leave``."""
        self.busy += 1
        self.present += 1
        return Joiner(self, patience)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Hold batches back meanwhile: more joiners may enter."""
        joiner = self.enter()
        try:
            yield
        finally:
            joiner.leave()

    def gather(self, batch: object, close: Callable[[], None]) -> None:
        """Call ``close`` when nobody can join ``batch`` any more, unless it is let go before."""
        self._gathered[batch] = close

    def let_go(self, batch: object) -> None:
        """Forget a batch: it has left."""
        self._gathered.pop(batch, None)

    def look(self) -> None:
        """Look at the end of this turn of the loop whether anybody can still join; tasks begun in it may."""
        if self._gathered and not self.busy and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._end_waits)

    def look_for_steps(self) -> None:
        """Look whether anybody can still take a step."""
        if self.awake <= 0:
            self._nobody_awake()

    def _end_waits(self) -> None:
        self._is_due = False
        while self._gathered and not self.busy:
            next(iter(self._gathered.values()))()


Item = TypeVar("Item")
Result = TypeVar("Result")


async def resting(awaited: Awaitable[Result]) -> Result:
    """Returns the result of a batch or a step: whoever waits for it does nothing else meanwhile."""
    joiner = JOINER.get()
    if joiner is None:
        return await awaited
    joiner.rest()
    try:
        return await awaited
    finally:
        joiner.rise()


async def dozing(seconds: float) -> None:
    """Wait for a time to come, and take no step meanwhile that others could wait for."""
    joiner = JOINER.get()
    if joiner is None:
        await asyncio.sleep(seconds)
        return
    joiner.doze()
    try:
        await asyncio.sleep(seconds)
    finally:
        joiner.wake()


Error = TypeVar("Error", bound=Exception)

LINGER_S = 0.2  # without a newcomer
PATIENT = 5  # times as long for company: of a pass over many records no single one is in a hurry
LONGEST_S = 2.0  # since the first of the batch


@dataclass(slots=True)
class _Place(Generic[Item, Result]):
    """Holds one item of a batch and everyone who asked for it."""

    item: Item
    askers: list[asyncio.Future[Result]] = field(default_factory=list)

    @property
    def is_wanted(self) -> bool:
        return any(not asker.done() for asker in self.askers)


@dataclass(eq=False, slots=True)
class _Batch(Generic[Item, Result]):
    """Holds the batch being gathered. On the loop's clock it leaves at ``closes_at``, or ``lingers_till`` before.

    ``joiners`` are its askers as far as somebody counts them, ``patience`` is the hastiest one's. ``is_ready``: it
    leaves when the one before is back.
    """

    closes_at: float
    lingers_till: float
    patience: int
    places: dict[str, _Place[Item, Result]] = field(default_factory=dict)
    joiners: list[Joiner] = field(default_factory=list)
    is_ready: bool = False
    timer: asyncio.TimerHandle | None = None


class Batcher(Generic[Item, Result]):
    """Sends single requests as one call.

    A call leaves at ``size`` items or ``longest_s`` after the first asker. Before that it leaves ``linger_s`` after the
    last newcomer, or as soon as everybody at work who could join waits for a batch to leave (``Joiners``), unless the
    one before is still under way: where the vendor or its rate is slow, few calls carry many items. Both times are as
    much longer as those at work get on more slowly than usual: a machine that is busy makes no more calls for that.
    It lingers longer where all askers have the patience.
    Askers of equal items with one key share one place of the batch; a different item with a key that is already
    taken (a second write to one record) goes into the next batch. A batch that is refused is halved until only the
    items at fault are refused, so ``send`` must be a call that may be repeated. A batch sent is nobody's to cancel:
    an asker that gives up leaves the others alone, and is left out when the batch has not been sent yet.
    """

    def __init__(
        self,
        vendor: str,
        operation: str,
        send: Callable[[Sequence[Item]], Awaitable[Mapping[str, Result]]],
        key: Callable[[Item], str],
        size: int,
        *,
        linger_s: float = LINGER_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._vendor, self._operation = vendor, operation
        self._send, self._key, self._size = send, key, size
        self._linger_s, self._longest_s = linger_s, longest_s
        self._gathering: _Batch[Item, Result] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Result:
        """Returns the result for ``item`` once its batch is back.

        Raises:
            ConnectorError: what ended the batch, as an exception of this asker's own.
        """
        loop = asyncio.get_running_loop()
        key = self._key(item)
        taken = self._gathering.places.get(key) if self._gathering is not None else None
        if self._gathering is not None and taken is not None and taken.item != item:
            self._close(self._gathering)
        joiner = JOINER.get()
        slowness, patience = (1.0, 1) if joiner is None else (joiner.joiners.slowness(), joiner.patience)
        if self._gathering is None:
            self._gathering = _Batch(loop.time() + self._longest_s * slowness, 0.0, patience)
        batch = self._gathering
        asker: asyncio.Future[Result] = loop.create_future()
        batch.places.setdefault(key, _Place(item)).askers.append(asker)
        if len(batch.places) >= self._size:
            self._close(batch)
        else:
            self._linger(batch, patience, slowness)
            self._count(batch)
        try:
            return await resting(asker)
        except asyncio.CancelledError:
            if batch is self._gathering and not _is_wanted(batch.places):
                self._close(batch)  # otherwise its timer would outlive everybody who knows of it
            raise

    async def aclose(self) -> None:
        """Send the gathered items and wait for everything under way."""
        if self._gathering is not None:
            self._close(self._gathering)
        while self._sending:
            await asyncio.wait(self._sending)

    def _count(self, batch: _Batch[Item, Result]) -> None:
        joiner = JOINER.get()
        if joiner is not None:
            batch.joiners.append(joiner)
            joiner.joiners.gather(batch, partial(self._leave, batch))
            joiner.wait()

    def _linger(self, batch: _Batch[Item, Result], patience: int, slowness: float) -> None:
        """Have the batch wait for company from now on, no longer than its hastiest asker would."""
        loop = asyncio.get_running_loop()
        if patience < batch.patience and batch.timer is not None:
            batch.timer.cancel()
            batch.timer = None
        batch.patience = min(batch.patience, patience)
        batch.lingers_till = min(loop.time() + self._linger_s * batch.patience * slowness, batch.closes_at)
        if batch.timer is None:
            batch.timer = loop.call_at(batch.lingers_till, self._due, batch)

    def _due(self, batch: _Batch[Item, Result]) -> None:
        """Close the batch unless a newcomer came since its timer was set: a timer for each would cost more."""
        loop = asyncio.get_running_loop()
        if batch.closes_at <= loop.time():
            self._close(batch)
        elif batch.lingers_till <= loop.time():
            batch.timer = loop.call_at(batch.closes_at, self._close, batch)
            self._leave(batch)
        else:
            batch.timer = loop.call_at(batch.lingers_till, self._due, batch)

    def _leave(self, batch: _Batch[Item, Result]) -> None:
        """Close the batch, or let it grow until the one before is back."""
        if not self._sending:
            self._close(batch)
            return
        batch.is_ready = True
        for joiner in batch.joiners:
            joiner.joiners.let_go(batch)

    def _returned(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if self._gathering is not None and self._gathering.is_ready and not self._sending:
            self._close(self._gathering)

    def _close(self, batch: _Batch[Item, Result]) -> None:
        if batch.timer is not None:
            batch.timer.cancel()
        for joiner in batch.joiners:
            joiner.joiners.let_go(batch)
            joiner.go_on()
        batch.joiners.clear()
        if self._gathering is batch:
            self._gathering = None
        if _is_wanted(batch.places):
            task = shared(self._deliver(batch.places))
            self._sending.add(task)
            task.add_done_callback(self._returned)

    async def _deliver(self, places: dict[str, _Place[Item, Result]]) -> None:
        wanted = {key: place for key, place in places.items() if place.is_wanted}
        if not wanted:
            return
        try:
            results = await self._send([place.item for place in wanted.values()])
        except asyncio.CancelledError:
            # The batch was cancelled, not its askers: they must be free to try again, and never end as cancelled.
            self._fail(wanted, UnavailableError(self._vendor, self._operation, code="cancelled"))
            raise
        except RejectedError as error:
            if len(wanted) == 1:
                self._fail(wanted, error)
                return
            keys = list(wanted)
            for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
                await self._deliver({key: wanted[key] for key in half})
            return
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the askers, not to this task
            self._fail(wanted, error)
            return
        for key, place in wanted.items():
            if key not in results:
                self._fail({key: place}, ContractError(self._vendor, self._operation, "id"))
                continue
            for asker in place.askers:
                if not asker.done():
                    asker.set_result(results[key])

    @staticmethod
    def _fail(places: Mapping[str, _Place[Item, Result]], error: Exception) -> None:
        for place in places.values():
            for asker in place.askers:
                if not asker.done():
                    asker.set_exception(twin(error))


def _is_wanted(places: Mapping[str, _Place[Item, Result]]) -> bool:
    return any(place.is_wanted for place in places.values())


def twin(error: Error) -> Error:
    """Returns an equal exception that nobody else raises: tracebacks of one asker stay out of another's."""
    other = type(error).__new__(type(error), *error.args)
    other.args = error.args
    other.__dict__.update(error.__dict__)
    other.__cause__ = error
    return other


async def ended(task: asyncio.Future[Any]) -> None:
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
