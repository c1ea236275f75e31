"""A worker of the simulation: the product's own runtime, flows and jobs, over the ports. arq is left out.

arq only rings, so here a bell rings by itself: late, not at all, or twice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from config.settings import Settings
from connectors.errors import ConnectorError
from connectors.salesforce.client import Salesforce
from tests.simulation.adapter import Adapter
from tests.simulation.loop import PROCESS, Process
from tests.simulation.ports import OUTSIDE, Ports
from tests.simulation.store import Client, Store
from tests.simulation.wire import Engine, Net
from tests.simulation.world import Scene
from worker.ledger.intake.intake import Announced, AnnouncedPost
from worker.ledger.scripts import LedgerUnavailableError
from worker.service import jobs, lifecycle
from worker.service.runtime import Runtime, open_runtime

DROPPED, DOUBLED = 0.05, 0.1
AGAIN_S = 10.0  # after which a sender tries again
_JOBS = {job.name: job.run for job in jobs.JOBS}


def plug(net: Net, connector: Any, vendor: str) -> None:
    """Put the simulated network below a connector.

    Salesforce's tokens go over such an engine as others' calls do, and its calls over the sessions of its lines.
    """
    is_salesforce = isinstance(connector, Salesforce)
    over: Any = connector._tokens if is_salesforce else connector
    over._transport._engine._engine = Engine(net, vendor)
    if not is_salesforce:
        return
    lines = connector._lines
    adapter, opened = Adapter(net, vendor), lines._line

    def line(instance: str) -> Any:
        found = opened(instance)
        for place in list(found._session.adapters):
            found._session.mount(place, adapter)
        return found

    lines._line = line


class Host:
    """Starts workers. ``troubles`` are what no worker may meet, ``runtimes`` those of the living."""

    def __init__(self, settings: Settings, store: Store, net: Net, ports: Ports, scene: Scene) -> None:
        self.scene, self.settings, self.store, self.net, self.ports = scene, settings, store, net, ports
        self.troubles: list[str] = []
        self.runtimes: dict[str, Runtime] = {}
        self._count = 0

    def start(self) -> Process:
        """Start a worker with a memory of its own."""
        self._count += 1
        process = Process(f"worker-{self._count}")
        token = PROCESS.set(process)
        try:
            self.ports.loop.create_task(self._life(process))
        finally:
            PROCESS.reset(token)
        return process

    def post(self, living: Sequence[Process], id_: str, stamp: int) -> None:
        """A webhook arrives at one of the living; where nobody takes it, it comes again."""
        open_ = [process for process in living if process.name in self.runtimes and not process.frozen]
        if not open_:
            self.ports.loop.call_later(AGAIN_S, self.post, living, id_, stamp, context=OUTSIDE)
            return
        token = PROCESS.set(self.ports.chance.choice(open_))
        try:
            self.ports.loop.create_task(self._posted(living, id_, stamp))
        finally:
            PROCESS.reset(token)

    async def _posted(self, living: Sequence[Process], id_: str, stamp: int) -> None:
        process = PROCESS.get()
        assert process is not None
        runtime = self.runtimes[process.name]
        crm = self.scene.crm
        rows = {(crm, self.scene.kind_of(id_)): [Announced(id_, stamp if self.scene.tells_when else 0)]}
        try:
            await runtime.ledger.intake.announce([AnnouncedPost(rows)], {crm: jobs.run_of_day(runtime, crm)})
        except LedgerUnavailableError:  # 503
            self.ports.loop.call_later(AGAIN_S, self.post, living, id_, stamp, context=OUTSIDE)

    async def _life(self, process: Process) -> None:
        while True:
            try:
                await self._work(process)
            except LedgerUnavailableError:  # its start needs Redis: whoever runs it starts it again
                await self.ports.pause(2)
            except Exception as error:  # noqa: BLE001 - a worker ends by being killed and in no other way
                self.troubles.append(f"{process.name} ended with {type(error).__name__}: {error}")
                return

    @asynccontextmanager
    async def opened(self, owner: str) -> AsyncIterator[Runtime]:
        """A runtime over the simulated network."""
        redis: Any = Client(self.store, self.ports)
        async with open_runtime(self.settings, redis, owner=owner) as runtime:
            self._plug(runtime)
            yield runtime

    async def _work(self, process: Process) -> None:
        async with self.opened(process.name) as runtime:
            await lifecycle.start(runtime)
            self.runtimes[process.name] = runtime
            await asyncio.gather(*lifecycle.loops(runtime), self._bell(runtime))

    def _plug(self, runtime: Runtime) -> None:
        """Put the simulated network below every connector."""
        names: dict[str, Any] = {**runtime.providers, **runtime.crms}
        if runtime.collector is not None:
            names["openprospect"] = runtime.collector._vendor
        for name, connector in names.items():
            plug(self.net, connector, name.removeprefix("acme_"))

    async def _bell(self, runtime: Runtime) -> None:
        """Does what ``jobs.tick`` does, without arq."""
        chance, ledger = self.ports.chance, runtime.ledger
        while True:
            await self.ports.pause(chance.uniform(2, 12))
            try:
                for task in await ledger.timetable.due(jobs.periods(runtime)):
                    job, _, key = task.partition(":")
                    self._ring(runtime, job, {"name": task, "key": key})
                await jobs.admit(runtime)
                for name, line in tuple(runtime.lines.items()):
                    for _ in range(min(1, math.ceil(await line.work.ready() / line.block))):
                        self._ring(runtime, "fill", {"line": name})
            except LedgerUnavailableError:
                continue

    def _ring(self, runtime: Runtime, job: str, payload: Mapping[str, Any]) -> None:
        chance = self.ports.chance.random()
        for _ in range(0 if chance < DROPPED else 2 if chance < DROPPED + DOUBLED else 1):
            asyncio.get_running_loop().create_task(self._job(runtime, job, payload))

    async def _job(self, runtime: Runtime, job: str, payload: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(240):
                await _JOBS[job](runtime, payload)
        except (LedgerUnavailableError, TimeoutError):
            pass
        except ConnectorError as error:
            self.troubles.append(f"job {job} let {type(error).__name__} through")
        except Exception as error:  # noqa: BLE001 - no job may end so
            self.troubles.append(f"job {job} ended with {type(error).__name__}: {error}")
