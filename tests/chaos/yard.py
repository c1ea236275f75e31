"""Sets up the place of a run: imitated vendors, one Redis, two workers, and a proxy on every wire between them."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.chaos.plan import SLOTS, VENDORS, Plan, Storm, Toxic
from tests.chaos.proxy import Hooks, Proxy, Valve
from tests.chaos.steps import ledger_step, vendor_step
from tests.e2e.stage import QUICK
from tests.harness.clock import later
from tests.harness.config import laid_over, toml
from tests.harness.vendors import PROVIDERS, Vendors
from tests.harness.workers import Process
from worker.commands import trial
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import AskedQuestion
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.all_work import AllWork
from worker.ledger.work.work import Due, Lane
from worker.redis.embedded import EmbeddedRedis

OBJECTS = {("hubspot", "contacts"): "contact", ("salesforce", "Contact"): "contact", ("salesforce", "Lead"): "lead"}
CONFIG: Mapping[str, Any] = {
    "worker": {"concurrency": 12},
    "providers": {name: {"budget": {"day": 1_000_000, "month": 9_000_000}} for name in ("forager", "kaspr")},
}
ARGUMENTS = {"limits": "demo", "credits": 9_000_000}
SEARCHES = 2
# said at its start by a worker or a command; whoever runs it starts it again
FOR_REDIS = ("Redis went away", "Redis does not answer", "Redis is a replica")


@dataclass(slots=True)
class Slot:
    """A place for a worker: a configuration of its own whose vendors and Redis are proxies of its own."""

    number: int
    folder: Path
    vendors: dict[str, Proxy]
    redis: Proxy
    worker: Process | None = None
    starts: int = 0

    def spawn(self) -> None:
        """Start a worker here; it is not waited for."""
        self.starts += 1
        log = self.folder / f"worker-{self.starts}.log"
        self.worker = Process.start(self.folder / "refill.toml", "worker", log=log)

    def errors(self) -> list[str]:
        """Events and classes of all errors that workers logged here."""
        told: list[str] = []
        for log in self.folder.glob("worker-*.log"):
            for line in log.read_text(encoding="utf-8").splitlines():
                if '"level": "error"' in line and line.endswith("}"):
                    event = json.loads(line)
                    told.append(f"{event['event']} {event.get('error', '')}")
        return told

    def signal(self, number: signal.Signals) -> None:
        """Signal the worker, if one lives here."""
        if self.worker is not None:
            self.worker.signal(number)


@dataclass(slots=True)
class Yard:
    """Opened by ``Yard.open``, which gives every vendor the same people for the same seed."""

    vendors: Vendors
    folder: Path
    server: EmbeddedRedis
    redis: Redis
    slots: list[Slot] = field(default_factory=list)
    valve: Valve = field(default_factory=Valve)
    ended: Counter[str] = field(default_factory=Counter)
    last_words: list[str] = field(default_factory=list)
    _watching: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, plan: Plan, struck: Callable[[int, str, str], bool], *, verdicts: bool = False, spoiled: bool = True
    ) -> Yard:
        """``struck(slot, step, side)`` is asked at every step; without ``spoiled`` nothing is spoiled anywhere."""
        options = options_of(plan.storm)
        vendors = Vendors(*(word for name, value in options.items() for word in (f"--{name}", str(value))))
        for name in VENDORS:
            vendors[name].control("clock", {"advance": plan.storm.clock_s})
        folder = Path(tempfile.mkdtemp(prefix="refill-chaos-"))
        server = EmbeddedRedis(folder / "data")
        await asyncio.to_thread(server.join)
        lost = [RedisConnectionError, RedisTimeoutError, BusyLoadingError, OSError]
        patient = Redis(
            unix_socket_path=str(server.socket), retry=Retry(ConstantBackoff(0.1), 50), retry_on_error=list(lost)
        )
        yard = cls(vendors, folder, server, patient)
        for number in SLOTS:
            await yard._add_slot(number, plan, struck, verdicts=verdicts, spoiled=spoiled)
        if spoiled:
            for name, rules in plan.rules.items():
                vendors[name].control("faults", list(rules))
        return yard

    async def _add_slot(
        self, number: int, plan: Plan, struck: Callable[[int, str, str], bool], *, verdicts: bool, spoiled: bool
    ) -> None:
        def hit(step: str, side: str) -> bool:
            return struck(number, step, side)

        told = {name: dict(one) for name, one in self.vendors.told.items()}
        proxies = {name: _before(name, told[name], partial(plan.toxic, name, number), hit) for name in VENDORS}
        for name, proxy in proxies.items():
            proxy.calm = not spoiled
            await proxy.open()
            theirs, ours = urlsplit(told[name]["base_url"]).netloc, f"127.0.0.1:{proxy.address}"
            told[name]["base_url"] = told[name]["base_url"].replace(theirs, ours)
            if len(theirs) == len(ours):  # an org hands out its own address: it must lead through here
                proxy.hooks.rewritten = partial(_replaced, theirs.encode(), ours.encode())
        ledger = Proxy(self._reach_redis, Hooks(step=ledger_step, struck=hit, valve=self.valve))
        folder = self.folder / f"slot-{number}"
        folder.mkdir()
        await ledger.open(folder / "redis.sock")
        text, secrets = trial.configuration(trial.Served(told), str(self.folder / "data"), 0)
        config = laid_over(laid_over(tomllib.loads(text), QUICK), CONFIG)
        config = laid_over(config, {"redis": {"url": f"unix://{folder / 'redis.sock'}"}})
        if plan.storm.pace:
            config = laid_over(config, {"providers": {name: {"rate": plan.storm.pace} for name in PROVIDERS}})
        if verdicts:
            config = laid_over(config, {"providers": {"forager": {"on_uncertain": "once_if_uncharged"}}})
        trial.write(folder, toml(config), {**secrets, "REFILL_SECRET_KEY": "chaos-" * 8})
        self.slots.append(Slot(number, folder, proxies, ledger))

    async def _reach_redis(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self.server.socket)

    @property
    def ledger(self) -> Ledger:
        """The ledger by a connection that nothing spoils."""
        return Ledger.over(self.redis)

    async def asked(self, row: tuple[str, str, str]) -> list[AskedQuestion]:
        """Every question that was asked for a row ``(crm, table, id)``."""
        vendor, table, id_ = row
        return await self.ledger.desk.questions_of((f"acme_{vendor}", OBJECTS.get((vendor, table), table), id_))

    # ---- workers -------------------------------------------------------------------------------------------------

    async def leased(self, crm: str, object: str) -> list[str]:
        """Records that a worker visits now."""
        keys, found = self.ledger.scripts.keys, list[str]()
        for lane in (*Lane, "alone"):
            found += [id_.decode() for id_ in await self.redis.zrange(keys("leased", crm, object, lane), 0, -1)]
        return found

    def start(self) -> None:
        """Workers everywhere, from now on at any time: one that ends is started again, and how it ended is counted."""
        for slot in self.slots:
            slot.spawn()
        self._watching = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            for slot in self.slots:
                code = slot.worker.process.poll() if slot.worker else None
                if code is not None:
                    self.ended["killed" if code == -signal.SIGKILL else f"exit {code}"] += 1
                    if code != -signal.SIGKILL and slot.worker is not None:
                        self.last_words.append(slot.worker.log.read_text(encoding="utf-8")[-2_000:])
                    slot.spawn()
            await asyncio.sleep(0.02)

    async def lapse(self) -> None:
        """All leases and tickets there are end now, whoever holds them: the upkeep of a clock two minutes ahead."""
        with contextlib.suppress(LedgerUnavailableError, RedisError):
            scripts = await later(self.redis)
            await AllWork(scripts).reap()
            alive = [beat.owner for beat in await self.ledger.timetable.alive()]
            await self.ledger.all_work.wake((await Desk(scripts).reap(alive)).waiters)
            for key in await self.redis.keys("arq:in-progress:*"):
                await self.redis.delete(key)

    async def repeat(self, chance: random.Random) -> None:
        """Some records are told of ten times, in disorder, half of them with a stamp of yesterday."""
        with contextlib.suppress(LedgerUnavailableError, RedisError):
            yesterday = await self.ledger.scripts.now() - 86_400_000
            for (vendor, table), kind in OBJECTS.items():
                ids = sorted(self.vendors.rows(vendor, table))
                told = [Due(one, chance.choice((0, yesterday))) for one in chance.sample(ids, min(10, len(ids)))] * 10
                chance.shuffle(told)
                await self.ledger.work(f"acme_{vendor}", kind).add(told, lane=Lane.LIVE, run="repeated")

    # ---- Redis ---------------------------------------------------------------------------------------------------

    async def restart_redis(self, away_s: float) -> None:
        """SIGKILL the server and start it on the same files."""
        await self._kill_redis()
        await asyncio.sleep(away_s)
        await asyncio.to_thread(self.server.ensure)

    async def cut_redis(self, where: float) -> int:
        """A power cut: of what nobody was told yet, only the share ``where`` reached the disk. Gives the bytes lost."""
        self.valve.shut()
        log = self._log_file()
        told = log.stat().st_size  # fsynced before it was told: all that anybody has seen is in here
        died = False
        try:
            for _ in range(80):
                if log.stat().st_size > told:
                    break
                await asyncio.sleep(0.05)
            await self._kill_redis()
            died = True
            whole = log.stat().st_size
            kept = told + int((whole - told) * where)
            os.truncate(log, kept)
            await asyncio.to_thread(self.server.ensure)
            return whole - kept
        finally:
            self.valve.open(died=died)

    async def fill_redis(self, full_s: float) -> None:
        """Every write is refused for a while."""
        with contextlib.suppress(RedisError):
            await self.redis.config_set("maxmemory", "1")
        await asyncio.sleep(full_s)
        with contextlib.suppress(RedisError):
            await self.redis.config_set("maxmemory", "0")

    async def demote_redis(self, readonly_s: float) -> None:
        """It is somebody's replica for a while: it is read, and every write is refused."""
        with contextlib.suppress(RedisError):
            await self.redis.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call]
        await asyncio.sleep(readonly_s)
        with contextlib.suppress(RedisError):
            await self.redis.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]

    def _log_file(self) -> Path:
        files = [*self.server.folder.glob("appendonlydir/*.incr.aof"), *self.server.folder.glob("appendonly.aof")]
        return max(files, key=lambda file: file.stat().st_mtime)

    async def _kill_redis(self) -> None:
        pid = (await self.redis.info("server"))["process_id"]
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(_released, self.folder / "data" / "redis.server")

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for slot in self.slots:
            if slot.worker is not None and slot.worker.process.poll() is None:
                slot.worker.kill()
            for proxy in (*slot.vendors.values(), slot.redis):
                await proxy.close()
        await self.redis.aclose()
        await asyncio.to_thread(self.server.leave)
        await asyncio.to_thread(self.vendors.close)
        shutil.rmtree(self.folder, ignore_errors=True)


def options_of(storm: Storm) -> dict[str, Any]:
    """Returns what the vendors are started with: a twentieth of all rows is delivered in companies of five."""
    records = storm.records // 2  # a person is a row in each CRM
    delivered = max(8, records // 40)
    return {
        **ARGUMENTS,
        "records": records,
        "companies": max(12, records // 4),
        "searches": SEARCHES,
        "delivered-companies": delivered,
        "delivered-prospects": 3 * delivered,
        "seed": storm.seed,
        "mistakes": storm.mistakes,
    }


def _before(
    vendor: str, told: Mapping[str, Any], toxic: Callable[[int], Toxic | None], hit: Callable[[str, str], bool]
) -> Proxy:
    """A proxy in front of a vendor."""
    port = urlsplit(told["base_url"]).port
    return Proxy(
        partial(asyncio.open_connection, "127.0.0.1", port),
        Hooks(step=partial(vendor_step, vendor), struck=hit, toxic=toxic),
    )


def _replaced(old: bytes, new: bytes, data: bytes) -> bytes:
    return data.replace(old, new)


def _released(path: Path) -> None:
    """Return when the server that held the lock is gone; nobody else starts one here meanwhile."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
