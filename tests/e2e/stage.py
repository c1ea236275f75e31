"""Sets one stage for one test: imitated vendors, a Redis, and as many workers as the test starts, each a process."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from config.load import load
from tests.harness import forked
from tests.harness.books import reading
from tests.harness.clock import GONE_MS, gone, later
from tests.harness.config import Config, laid_over, toml
from tests.harness.redis import stop_redis
from tests.harness.sandbox import Sandbox
from tests.harness.until import LOOK_S, WITHIN_S, until
from tests.harness.vendors import PROVIDERS, Vendors
from tests.harness.workers import Process, environment
from worker.commands import trial
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import AskedQuestion
from worker.ledger.money.ticket_values import Uncertain
from worker.ledger.money.tickets import Desk
from worker.ledger.work.work import Counts, Lane
from worker.redis.embedded import EmbeddedRedis
from worker.service.runtime import open_runtime
from worker.upkeep.verdicts import judge

LOOKS = 3
SMALL = {"records": 60, "companies": 12, "searches": 2, "delivered-companies": 4, "delivered-prospects": 8}


@dataclass(slots=True)
class Stage:
    """``config`` is laid over the configuration that fits the vendors; ``None`` takes a table away."""

    vendors: Vendors
    folder: Path
    config: dict[str, Any]
    secrets: Mapping[str, str]
    workers: list[Process] = field(default_factory=list)
    _server: EmbeddedRedis | None = None
    _redis: Redis | None = None

    @classmethod
    def open(cls, config: Config, *, apart: Sequence[str] = (), **options: object) -> Stage:
        arguments = {**SMALL, "limits": "demo", "seed": 1, **options}
        words = [word for name, value in arguments.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        vendors = Vendors(*words, apart=apart)
        text, secrets = trial.configuration(trial.Served(vendors.told), "data", 0)
        whole = laid_over(laid_over(tomllib.loads(text), QUICK), config)
        folder = Path(tempfile.mkdtemp(prefix="refill-e2e-"))  # socket paths are short: not pytest's folder
        stage = cls(vendors, folder, whole, secrets)
        stage.configure({})
        return stage

    def configure(self, config: Config) -> None:
        """Lay something over the configuration; workers started from now on work by it."""
        self.config = laid_over(self.config, config)
        trial.write(self.folder, toml(self.config), self.secrets)

    @property
    def path(self) -> Path:
        return self.folder / "refill.toml"

    # ---- processes -----------------------------------------------------------------------------------------------

    async def start(self, count: int = 1) -> list[Process]:
        """Start workers; they work when this returns."""
        fresh = [self.spawn() for _ in range(count)]
        for worker in fresh:
            await until(partial(_began, worker), "a worker's start")
            assert worker.started, worker.log.read_text(encoding="utf-8")
        return fresh

    async def played(self, count: int = 1, *, within_s: float = WITHIN_S) -> None:
        """Start workers, and wait until there is nothing left to do."""
        await self.start(count)
        await self.finished(within_s)

    def spawn(self) -> Process:
        """Start a worker and do not wait for it."""
        worker = Process.start(self.path, "worker", log=self.folder / f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    async def run(
        self, *words: str, env: Mapping[str, str] | None = None, within_s: float = 110
    ) -> tuple[int, str, str]:
        """A command to its end: exit code, standard output, standard error."""
        line = (*words, "--config", str(self.path))
        ran = await asyncio.to_thread(forked.run, "worker.cli", *line, env=environment(env), timeout=within_s)
        return ran.returncode, ran.stdout, ran.stderr

    async def sync(self, *words: str) -> dict[str, Any]:
        """One pass to its end, as it reports it."""
        code, out, err = await self.run("sync", "--json", "--patience", "20", *words)
        assert code == 0, err
        report: dict[str, Any] = json.loads(out)
        return report

    async def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        if self._redis is not None:
            await self._redis.aclose()
        if self._server is not None:
            self._server.leave()
        else:  # workers that were killed leave their server running for the next one
            with suppress(OSError):
                stop_redis(self.folder / "data")
        self.vendors.close()
        for worker in self.workers:  # pytest shows it where the test failed
            for event in worker.events():
                if event["level"] in {"error", "critical"}:
                    sys.stdout.write(f"{worker.log.name}: {json.dumps(event)}\n")
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the ledger ----------------------------------------------------------------------------------------------

    @property
    def redis(self) -> Redis:
        """A client of the embedded server, which this process keeps running as one of its users."""
        if self._redis is None:
            if self._server is None:
                self._server = EmbeddedRedis(self.folder / "data")
                self._server.join()
            self._redis = Redis(unix_socket_path=str(self._server.socket))
        return self._redis

    @property
    def ledger(self) -> Ledger:
        return Ledger.over(self.redis)

    async def counts(self) -> dict[tuple[str, str], Counts]:
        """Tells where all the work stands; deliveries first, because they make work for the others."""
        names = sorted(await self.ledger.all_work.works(), key=lambda work: work[1] != "delivery")
        return {name: await self.ledger.work(*name).counts() for name in names}

    async def idle(self) -> bool:
        """Everything was polled, and nothing is due, deferred, leased or waiting."""
        return await self._nothing(waiting=True)

    async def settled_but_for_the_waiting(self) -> bool:
        """Everything was polled, and nothing is due, deferred or leased."""
        return await self._nothing(waiting=False)

    async def settled_in(self, crm: str) -> bool:
        """Every object of a crm was polled, and nothing of it is due, deferred, leased or waiting."""
        begun, counts = await self.ledger.timetable.last(), await self.counts()
        polled = all(task in begun and begun[task].done_ms for task in self._tasks() if task.startswith(f"poll:{crm}."))
        return polled and not any(one.due + one.leased + one.waiting for name, one in counts.items() if name[0] == crm)

    async def _nothing(self, *, waiting: bool) -> bool:
        for _ in range(LOOKS):  # counts are not of one instant: a record may be missed on its way back
            begun = await self.ledger.timetable.last()
            if any(task not in begun or not begun[task].done_ms for task in self._tasks()):
                return False
            counts = (await self.counts()).values()
            if any(one.due + one.leased + (one.waiting if waiting else 0) for one in counts):
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def _tasks(self) -> list[str]:
        crms = self.config["crm"]
        tasks = [
            f"poll:{crm}.{kind}" for crm in crms for kind, watch in crms[crm]["watch"].items() if watch is not None
        ]
        return tasks + (["collect:all"] if self.config["providers"]["openprospect"] else [])

    async def finished(self, within_s: float = WITHIN_S) -> None:
        """Wait until there is nothing left to do."""
        try:
            await until(self.idle, "an idle stage", within_s)
        except AssertionError:
            for name, counts in (await self.counts()).items():
                sys.stdout.write(f"{name}: {counts}\n")
            sys.stdout.write(f"{await self.ledger.timetable.last()}\n{await self.ledger.pauses.all()}\n")
            for key in await self.redis.keys("refill:work:*:record:*"):
                fields = await self.ledger.scripts.call("HMGET", key, "s", "due", "note")
                sys.stdout.write(f"{key.decode()}: {fields}\n")
            raise

    async def only_held_calls_are_open(self, vendor: Sandbox) -> bool:
        """Whether every lookup under way is one that ``vendor`` keeps back, and no visit is to begin now."""
        held = int(vendor.control("held")["held"])
        tickets = await self.redis.zcard(self.ledger.scripts.keys("tickets_open"))
        ready = sum([await self.ledger.work(*name).ready() for name in await self.ledger.all_work.works()])
        return 0 < held == tickets and not ready

    async def backfills_end(self) -> None:
        """Every backfill that was started has walked to the end."""
        await until(self._backfills_ended, "the end of every backfill")

    async def _backfills_ended(self) -> bool:
        cursors = await self.ledger.cursors.all()
        return all(json.loads(text)["done"] for name, text in cursors.items() if name.startswith("backfill:"))

    async def answered_for(self, row: tuple[str, str, str]) -> set[str]:
        """Returns the operations whose kept answers a row was judged by."""
        return {one.kept.operation for one in (await self._asked()).get(row, ()) if one.kept}

    async def touched_by_doubt(self) -> set[tuple[str, str, str]]:
        """Records, as ``state`` names them, that asked a question whose outcome is listed as uncertain."""
        doubtful = {one.key for one in await self.uncertain()}
        asked = await self._asked()
        return {row for row, questions in asked.items() if doubtful & {one.key for one in questions}}

    async def asked_of(self, rows: Collection[tuple[str, str, str]]) -> dict[tuple[str, str, str], list[str]]:
        """Tells of rows what was asked for each, how that stands, and the other rows that asked the same."""
        asked, found = await self._asked(), dict[tuple[str, str, str], list[str]]()
        for row in rows:
            found[row] = []
            for one in asked.get(row, ()):
                others = sorted(other for other, theirs in asked.items() if one.key in {each.key for each in theirs})
                what = one.kept.operation if one.kept else one.key[:6]
                found[row].append(f"{what} {one.state or 'kept'}, asked by {others}")
        return found

    async def _asked(self) -> dict[tuple[str, str, str], list[AskedQuestion]]:
        """Returns what was asked of every row, as ``state`` names them."""
        objects = {"contact": {"hubspot": "contacts", "salesforce": "Contact"}, "lead": {"salesforce": "Lead"}}
        found = {}
        for crm, kind in await self.ledger.all_work.works():
            vendor = crm.removeprefix("acme_")
            for id_ in self.vendors.rows(vendor, objects[kind][vendor]):
                found[vendor, objects[kind][vendor], id_] = await self.ledger.desk.questions_of((crm, kind, id_))
        return found

    async def uncertain(self) -> list[Uncertain]:
        return await self.ledger.desk.uncertain_list(1_000)

    async def time_passes(self) -> None:
        """Does what two minutes do to the leases, tickets, creations and job locks of workers that are gone.

        Nobody may be at work: this is the upkeep of the next worker, with a later clock.
        """
        assert all(worker.process.poll() is not None for worker in self.workers)
        await gone(await later(self.redis))
        await self.nothing_is_deferred()
        for key in await self.redis.keys("arq:in-progress:*"):
            await self.redis.delete(key)

    async def verdicts_come(self) -> None:
        """Does what the upkeep of a worker does when the time of the verdicts has come."""
        scripts = await later(self.redis, 2 * GONE_MS + 1_000)
        async with open_runtime(load(self.path, {}), self.redis) as runtime:
            runtime.ledger.desk = Desk(scripts)
            await judge(runtime.ledger, runtime.providers)
        await self.nothing_is_deferred()

    async def orders_are_asked_for_again(self) -> None:
        """Does what the minutes do after which the list of orders is asked for again."""
        cursors = self.ledger.cursors
        followed = json.loads(await cursors.get("orders"))
        await cursors.set("orders", json.dumps({**followed, "next_ms": 0}))

    async def nothing_is_deferred(self) -> None:
        """Makes due now whatever is to be looked at later."""
        for crm, kind in await self.ledger.all_work.works():
            for lane in (*Lane, "alone"):
                ids = await self.redis.zrange(self.ledger.scripts.keys("due", crm, kind, lane), 0, -1)
                await self.ledger.all_work.wake([(crm, kind, id_.decode()) for id_ in ids])

    async def money(self, provider: str) -> tuple[int, int, int]:
        """Spent, the provider's bill, and what is perhaps charged on top of spent; in the order of their reading."""
        found = await reading(self.ledger.budgets, provider, partial(self.vendors.bill, provider))
        return found.spent, found.bill, found.at_most

    async def bill_is_accounted_for(self) -> None:
        """Spent <= bill <= spent + sent + uncertain, at this instant, and no question was charged twice."""
        assert self.vendors.charged_twice() == []
        for provider in PROVIDERS:
            found = await reading(self.ledger.budgets, provider, partial(self.vendors.bill, provider))
            assert found.holds, (provider, found)


QUICK: Config = {
    "worker": {"grace": "20s"},
    "providers": {"openprospect": {"poll_every": "2s"}, "forager": {"on_uncertain": "never"}},
    "crm": {
        "acme_hubspot": {"poll_every": "2s", "lookback": "3650d", "index_lag": "1s"},
        "acme_salesforce": {"poll_every": "2s", "lookback": "3650d"},
    },
}

ONLY_SYNC: Config = {  # workers' own polls find nothing: what is to be done is a pass's
    "crm": {name: {"poll_every": "1h", "lookback": "1s"} for name in ("acme_hubspot", "acme_salesforce")}
}
WITHOUT_DELIVERIES: Config = {"providers": {"openprospect": None}}


def _began(worker: Process) -> bool:
    return worker.started or worker.process.poll() is not None
