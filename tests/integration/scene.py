"""Sets up a whole installation in one process: vendors on sockets, a Redis, and workers that can die at any step.

A worker dies by losing its connection to Redis for good, before a named step is sent or after it was done; whatever it
would still do then is what a dead process does: nothing that counts.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

from redis.asyncio import ConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from config.load import load
from config.settings import Settings
from connectors.ports import KeepsLog
from sandbox.options import Options
from sandbox.people import CrmRow, World
from sandbox.seeding import build_world
from sandbox.serve import running
from tests.harness.books import reading
from tests.harness.clock import GONE_MS, gone, later
from tests.harness.until import until
from worker.ledger.ledger import Ledger
from worker.ledger.money.budgets import Totals
from worker.ledger.money.ticket_values import Uncertain
from worker.ledger.scripts import LedgerUnavailableError, Scripts, source
from worker.ledger.work.memory import Memory
from worker.ledger.work.work import Counts, Due, Lane
from worker.redis.together import ScriptSource, Together, rows_of
from worker.redis.wire import RoundTrip, Wire
from worker.service.jobs import upkeep
from worker.service.opening import open_crms
from worker.service.runtime import Runtime, open_runtime
from worker.upkeep.vendor_clocks import hear
from worker.upkeep.verdicts import judge

CRM, KIND = "acme_hubspot", "contact"
PUBLIC_URL, WEBHOOK_SECRET = "https://refill.example", "webhook-secret-of-a-scene"
WORK_EMAILS = "*work_emails*"
PROFILE = "/profile/*"
WITHIN_S = 20.0
MINUTES_MS = 180_000  # until a provider's log is taken to show everything
OPTIONS = Options(vendors=("forager", "kaspr", "hubspot"), records=30, companies=10)

BASE: Mapping[str, str] = {
    "forager": 'budget = { day = 1000, month = 10000 }\nverify_person = false\non_uncertain = "never"',
    "kaspr": "budget = { day = 1000, month = 10000 }",
    "crm": "",
    "fields": (
        'fields.work_email = { property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }'
    ),
}


@cache
def world(options: Options) -> World:
    """Draws who exists: no test changes that."""
    return build_world(options)


class DeadError(RedisError):
    """Says what the dead hear; no client tries that again."""


class Life:
    """Ends a worker's connection to Redis. ``before`` and ``after`` name the script it ends at.

    With ``holding`` it is the first time that the script is given this text.
    """

    def __init__(self, *, before: str = "", after: str = "", holding: str = "") -> None:
        self._holding = holding.encode()
        self.over = asyncio.Event()
        script = source(before or after) if before or after else ""
        self._shas = [ScriptSource.of(script).sha, rows_of(script).sha] if script else []  # alone, and with its like
        self._before = bool(before)

    def sending(self, command: bytes) -> None:
        if self._before and self.meant(command):
            self.over.set()
        self.goes_on()

    def meant(self, command: bytes) -> bool:
        return any(sha in command for sha in self._shas) and self._holding in command

    def received(self, *, last: bool) -> None:
        if last and not self._before:
            self.over.set()
        self.goes_on()

    def goes_on(self) -> None:
        if self.over.is_set():
            raise DeadError


class Mortal(UnixDomainSocketConnection):
    """A connection that ends with the worker it belongs to."""

    def __init__(self, *, life: Life, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life, self.last = life, False

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        packed = command if isinstance(command, bytes) else b"".join(command)
        self.life.sending(packed)
        await super().send_packed_command([packed], check_health)
        self.last = self.life.meant(packed)

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        found = await super().read_response(*args, **kwargs)
        self.life.received(last=self.last)
        return found


class MortalWire(Wire):
    """The connection that scripts go over, which ends with the worker as the others do."""

    def __init__(self, client: Redis, life: Life) -> None:
        super().__init__(client)
        self._life = life

    def send(self, trip: RoundTrip) -> None:
        answered, last = trip.answered, self._life.meant(trip.packed)

        def heard(replies: list[Any] | Exception) -> None:
            is_unknown = isinstance(replies, list) and any(isinstance(one, NoScriptError) for one in replies)
            try:
                self._life.received(last=last and not is_unknown)  # a server that did not know the step yet
            except DeadError as dead:
                answered(dead)
            else:
                answered(replies)

        try:
            self._life.sending(trip.packed)
        except DeadError as dead:
            answered(dead)
        else:
            trip.answered = heard
            super().send(trip)


def mortal(pool: ConnectionPool, life: Life) -> Together:
    """A client over a pool of ``Mortal`` connections, whose scripts end with them."""
    client = Together(connection_pool=pool)
    client._wire = MortalWire(client, life)
    return client


@dataclass(slots=True)
class Worker:
    """One process's parts, and its life."""

    scene: Scene
    runtime: Runtime
    life: Life
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def begin(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self.tasks.append(task)
        return task

    def visiting(self) -> asyncio.Task[Any]:
        """Visit what is due, in the background."""
        return self.begin(self.visit())

    async def held_at(
        self, vendor: str = "forager", route: str = WORK_EMAILS, count: int = 1, **more: Any
    ) -> asyncio.Task[Any]:
        """Visit in the background, as far as a call that a vendor keeps back."""
        self.scene.hold(vendor, route, count, **more)
        visiting = self.visiting()
        await self.scene.held(vendor, count)
        return visiting

    async def visit(self, *ids: str) -> None:
        """Put records into the work, and visit until nothing is due, or the worker is dead."""
        if ids:
            await self.scene.due(*ids)
        try:
            await self.runtime.visits.fill(self.runtime.lines[f"{CRM}.{KIND}"])
        except LedgerUnavailableError:
            if not self.life.over.is_set():
                raise

    async def visit_again(self, *ids: str) -> None:
        """Visit now what was put off."""
        await self.scene.ledger.all_work.wake([(CRM, KIND, id_) for id_ in ids])
        await self.visit()

    async def replay(self, id: str) -> None:
        """Visit a record on a person's word."""
        await self.scene.ledger.work(CRM, KIND).replay(id, "replay")
        await self.visit()

    async def upkeep(self) -> None:
        await upkeep(self.runtime, {"name": "upkeep:all"})

    async def verdicts(self) -> None:
        await judge(self.runtime.ledger, self.runtime.providers)

    async def stopped(self, visiting: asyncio.Task[Any]) -> None:
        """The end of visiting that met a Redis out of order."""
        visiting.cancel()
        await asyncio.gather(visiting, return_exceptions=True)

    async def die(self) -> None:
        """Kill -9, as far as the world outside can tell."""
        self.life.over.set()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass(slots=True)
class Scene:
    """``vendors`` are in this process: their books, faults and holds can be reached into."""

    vendors: Mapping[str, Any]
    folder: Path
    socket: Path
    redis: Redis
    settings: Settings
    stack: AsyncExitStack
    workers: int = 0

    async def worker(self, *, before: str = "", after: str = "", holding: str = "", data_dir: str = "data") -> Worker:
        """A worker with its crm open. It dies before the script is sent, or after it was done."""
        life = Life(before=before, after=after, holding=holding)
        pool = ConnectionPool(
            connection_class=Mortal,
            path=str(self.socket),
            life=life,
            retry=Retry(ExponentialBackoff(cap=1, base=0.05), 3),
            retry_on_error=[RedisConnectionError],
        )
        client = mortal(pool, life)
        self.stack.push_async_callback(pool.disconnect)
        self.stack.push_async_callback(client.aclose)
        self.workers += 1
        settings = self.settings.model_copy(update={"data_dir": self.folder / data_dir})
        runtime = await self.stack.enter_async_context(open_runtime(settings, client, owner=f"w{self.workers}"))
        await open_crms(runtime)
        assert not runtime.shut
        standing = (one.account_status() for one in runtime.providers.values() if isinstance(one, KeepsLog))
        await asyncio.gather(*standing, return_exceptions=True)
        await hear(
            runtime.ledger.clocks, runtime.vendor_clocks
        )  # what every start has heard before the first paid call
        worker = Worker(self, runtime, life)
        self.stack.push_async_callback(self._gone, worker)
        return worker

    async def begin(self, **how: Any) -> tuple[Worker, str]:
        """A worker, and a record that it can fill."""
        return await self.worker(**how), self.ids(1)[0]

    async def successor(self) -> Worker:
        """Another worker, which has gone on once the leases and tickets of the dead have ended."""
        await self.time_passes()
        worker = await self.worker()
        await worker.visit()
        return worker

    async def dies(self, **when: str) -> None:
        """A worker visits what is due until it dies."""
        dying = await self.worker(**when)
        visiting = dying.visiting()
        await dying.life.over.wait()
        await dying.stopped(visiting)

    async def memory(self, id: str) -> Memory:
        """Returns what is remembered of a record."""
        found = (await self.ledger.work(CRM, KIND).memory([id]))[id]
        assert found is not None
        return found

    async def answers_lapse(self) -> None:
        """The keeping time of every answer is over."""
        for key in await self.redis.keys("refill:answer*"):
            await self.redis.delete(key)

    async def _gone(self, worker: Worker) -> None:
        """Nothing of a worker runs on when its connections are closed, calls that the vendors hold open included."""
        await worker.die()
        for vendor in self.vendors.values():
            vendor.holds.release()
        await until(lambda: not len(worker.runtime.visits), "the end of a dead worker's visits")

    @property
    def ledger(self) -> Ledger:
        return Ledger.over(self.redis)

    async def due(self, *ids: str, lane: Lane = Lane.LIVE, run: str = "day-acme_hubspot-x") -> None:
        """Put records into the work."""
        await self.ledger.work(CRM, KIND).add([Due(one) for one in ids], lane=lane, run=run)

    async def time_passes(self, ms: int = GONE_MS) -> None:
        """Does what time does to leases and tickets of workers that are gone."""
        scripts = await later(self.redis, ms)
        await gone(scripts)
        now_ms = await self.ledger.scripts.now()
        for lane in (*Lane, "alone"):  # what returned is due by that later clock: bring it back to ours
            key = scripts.keys("due", CRM, KIND, lane)
            for id_ in await self.redis.zrange(key, 0, -1):
                await self.redis.zadd(key, {id_: now_ms})

    async def tickets(self) -> list[bytes]:
        """Keys of all tickets that are known."""
        return list(await self.redis.keys("refill:ticket:????????????????"))

    async def field(self, key: bytes, name: str) -> str:
        found = await cast("Awaitable[bytes | None]", self.redis.hget(key, name))  # type: ignore[arg-type]  # bytes do
        return (found or b"").decode()

    async def counts(self) -> Counts:
        return await self.ledger.work(CRM, KIND).counts()

    async def uncertain(self) -> list[Uncertain]:
        return await self.ledger.desk.uncertain_list()

    async def totals(self, provider: str = "forager") -> Totals:
        return await self.ledger.budgets.totals(provider)

    # ---- people and their rows -----------------------------------------------------------------------------------

    def blank(self) -> list[CrmRow]:
        """Rows whose work e-mail is blank and which Forager can tell by their slug."""
        rows = self.vendors["hubspot"].world.rows["hubspot"]
        fit = [
            row
            for row in rows
            if not row.email and row.linkedin_url and not row.opted_out and row.company and self._told(row)
        ]
        assert len(fit) >= 3, "a larger world is needed"
        return fit

    def _told(self, row: CrmRow) -> bool:
        person = row.person
        company = row.company
        return bool(
            company
            and person.slug in (row.linkedin_url or "")
            and any(
                email.endswith(f"@{company.domain}") and grade in {"valid", "risky"}
                for email, grade in person.forager.work_emails
            )
        )

    def known_to_kaspr(self, count: int) -> list[str]:
        """Rows whose e-mail is blank and of whom Kaspr knows something it charges for."""
        rows = self.vendors["hubspot"].world.rows["hubspot"]
        fit = [
            self.id(row)
            for row in rows
            if not row.email
            and not row.opted_out
            and row.person.slug in (row.linkedin_url or "")
            and row.person.kaspr.known
            and (row.person.kaspr.work_email or row.person.kaspr.phone)
        ]
        assert len(fit) >= count, "a larger world is needed"
        return fit[:count]

    def id(self, row: CrmRow) -> str:
        return str(self.vendors["hubspot"].ids_by_row[row.number])

    def ids(self, count: int) -> list[str]:
        return [self.id(row) for row in self.blank()[:count]]

    def email(self, id: str) -> str:
        """Returns what the row holds now."""
        return str(self.portal.tables["contacts"].records[int(id)].values.get("email") or "")

    @property
    def portal(self) -> Any:
        return self.vendors["hubspot"].portal

    def edit(self, id: str, **values: str) -> None:
        """A person edits the row."""
        from sandbox.hubspot.table import PERSON

        table = self.portal.tables["contacts"]
        self.portal.update(table, table.records[int(id)], values, PERSON)

    def delete(self, id: str) -> None:
        """A person deletes the row."""
        from sandbox.hubspot.table import PERSON

        table = self.portal.tables["contacts"]
        self.portal.archive(table, table.records[int(id)], PERSON)

    def made(self, last_name: str) -> str:
        """We make a row."""
        from sandbox.hubspot.table import INTEGRATION

        return str(self.portal.create(self.portal.tables["contacts"], {"lastname": last_name}, INTEGRATION).id)

    def is_archived(self, id: str) -> bool:
        return bool(self.portal.tables["contacts"].records[int(id)].archived)

    def merge(self, primary: str, loser: str) -> str:
        """A person merges two rows; gives the survivor."""
        from sandbox.hubspot.table import PERSON

        table = self.portal.tables["contacts"]
        rows = [table.records[int(one)] for one in (primary, loser)]
        return str(self.portal.merge(table, *rows, PERSON).id)

    # ---- the providers' side -------------------------------------------------------------------------------------

    def hold(self, vendor: str = "forager", route: str = WORK_EMAILS, count: int | None = 1, **more: Any) -> None:
        from sandbox.holds import Hold

        self.vendors[vendor].holds.rules.append(Hold(route, count=count, **more))

    def fault(self, kind: str, vendor: str = "forager", route: str = WORK_EMAILS, **more: Any) -> None:
        self.vendors[vendor].faults.add(kind=kind, route=route, **more)

    async def held(self, vendor: str = "forager", count: int = 1) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.vendors[vendor].holds.until(count)

    def release(self, vendor: str = "forager") -> None:
        self.vendors[vendor].holds.release()

    def bill(self, provider: str = "forager") -> int:
        charges = self.vendors[provider].books.charges
        return sum(int(one.credits) for one in charges)

    def asked(self, vendor: str = "forager", part: str = "work_emails") -> int:
        """Requests the vendor has read to their end."""
        return sum(part in one.route for one in self.vendors[vendor].books.requests)

    def writes(self) -> list[Any]:
        """Values we have written."""
        return [one for one in self.vendors["hubspot"].books.writes if one.request and one.action == "update"]

    async def accounted(self, provider: str = "forager") -> None:
        """Spent <= bill <= spent + sent + uncertain."""
        found = await reading(self.ledger.budgets, provider, partial(self.bill, provider))
        assert found.holds, (provider, found)


def minutes_later(scene: Scene, ms: int = MINUTES_MS) -> Ledger:
    """The ledger as it is seen some minutes on."""
    ledger = scene.ledger
    before = scene.vendors["forager"].clock.wall()
    clock = lambda: int(before * 1000) + ms  # noqa: E731
    scripts = Scripts(scene.redis, clock=clock)
    for name in ("desk", "all_work", "pauses", "books", "budgets"):
        setattr(ledger, name, type(getattr(ledger, name))(scripts))
    ledger.scripts = scripts
    return ledger


@asynccontextmanager
async def opened(
    socket: Path, redis: Redis, parts: Mapping[str, str] | None = None, options: Options = OPTIONS
) -> AsyncIterator[Scene]:
    """Vendors, an empty ledger and a configuration; ``parts`` replaces pieces of ``BASE``."""
    folder = Path(tempfile.mkdtemp(prefix="refill-scene-"))
    async with AsyncExitStack() as stack:
        vendors = await stack.enter_async_context(running(options, world(options)))
        (folder / "refill.toml").write_text(_toml(vendors, {**BASE, **(parts or {})}), encoding="utf-8")
        secrets = {
            "REFILL_PROVIDERS__FORAGER__API_KEY": vendors["forager"].credentials()["api_key"],
            "REFILL_PROVIDERS__KASPR__API_KEY": vendors["kaspr"].credentials()["api_key"],
            "REFILL_CRM__ACME_HUBSPOT__TOKEN": vendors["hubspot"].credentials()["token"],
            "REFILL_REDIS__URL": f"unix://{socket}",
            "REFILL_SECRET_KEY": "k",
            "REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()), encoding="utf-8")
        settings = load(folder / "refill.toml", {})
        inner = await stack.enter_async_context(AsyncExitStack())
        try:
            yield Scene(vendors, folder, socket, redis, settings, inner)
        finally:
            for vendor in vendors.values():
                vendor.holds.release()
            shutil.rmtree(folder, ignore_errors=True)


def _toml(vendors: Mapping[str, Any], parts: Mapping[str, str]) -> str:
    return f"""\
data_dir = "data"
{parts.get("web", "")}

[providers.forager]
base_url = "{parts.get("forager_url") or vendors["forager"].base_url}"
account_id = 42
rate = {parts.get("forager_rate") or '"200/second"'}
{parts["forager"]}

[providers.kaspr]
base_url = "{vendors["kaspr"].base_url}"
rate = "6000/minute"
{parts["kaspr"]}

[crm.acme_hubspot]
kind = "hubspot"
base_url = "{vendors["hubspot"].base_url}"
{parts["crm"]}

[crm.acme_hubspot.watch.contact]
{parts["fields"]}
"""
