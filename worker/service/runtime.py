"""Tells where the parts are wired and closed: one ``Runtime`` per process, handed to the flows as a value."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from secrets import token_hex

import structlog
from redis.asyncio import Redis

from config.crms import CrmSettings, WatchSettings
from config.settings import Settings
from connectors.batching import Batcher
from connectors.errors import AccessError, ConnectorError, RateLimitedError
from connectors.models import Edit, Found, Property
from connectors.openprospect.client import OpenProspect
from connectors.ports import Crm, Provider
from connectors.vendor_clock import VendorClock
from worker.decide import provenance
from worker.decide.policy import Policy, WriteRule
from worker.ledger.intake.accounts import Accounts
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.intake.grants import Grants
from worker.ledger.journal.reviews import Reviews
from worker.ledger.ledger import Ledger
from worker.ledger.money.spool import Spool
from worker.ledger.money.suppressions import Suppressions
from worker.ledger.money.yields import Yields
from worker.ledger.own_clock import clock
from worker.ledger.rates.limiter import RedisLimiter
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.work import Lease, Work
from worker.redis.together import slowness_of
from worker.service.accounts import AnotherAccountError, refuse_another
from worker.service.delivery_rules import delivered, delivery_rules
from worker.service.loop_lag import LoopLag
from worker.service.needs import CONSENT, Schemas, met_policy, refuse_unmet
from worker.service.policy import locks, no_in_records, opt_out, policy, verified, watched_of
from worker.service.refresh_tokens import RefreshTokens, suppressions_of
from worker.service.vendors import open_crm, open_providers
from worker.triggers.openprospect import Collector
from worker.visits.awaiting import Awaiting
from worker.visits.bad_values import BadValues
from worker.visits.budget_lines import BudgetLines, budget_lines_of
from worker.visits.closed_properties import ClosedProperties
from worker.visits.companies import Companies
from worker.visits.deliver import Deliverer
from worker.visits.delivery_target import Target
from worker.visits.failures import attended
from worker.visits.purchase import Lookups, Terms
from worker.visits.push import Pusher
from worker.visits.runner import Line, Visits
from worker.visits.visit import Visitor
from worker.visits.watch import Watch

BLOCK = 100  # delivered rows claimed at a time
START_S = 20.0  # a vendor that hangs keeps a worker from starting for no longer than this; a slow one needs half of it
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Runtime:
    """Holds one process's parts.

    ``watches`` and ``lines`` hold the crms that could be opened, ``shut`` those not yet.

    ``run`` is the run of a person's that the process works for at present, ``""`` while it works for everybody.
    """

    settings: Settings
    ledger: Ledger
    owner: str
    budget_lines: BudgetLines
    spool: Spool
    lookups: Lookups
    visits: Visits
    limiters: Mapping[str, RedisLimiter]
    providers: Mapping[str, Provider]
    crms: Mapping[str, Crm]
    collector: Collector | None
    run: str = ""
    lag: LoopLag = field(default_factory=LoopLag)
    watches: dict[tuple[str, str], Watch] = field(default_factory=dict)
    companies: dict[tuple[str, str], Watch] = field(default_factory=dict)  # where deliveries make some
    lines: dict[str, Line] = field(default_factory=dict)
    awaiting: dict[str, Awaiting] = field(default_factory=dict)
    deliverers: dict[str, Deliverer] = field(default_factory=dict)
    shut: set[str] = field(default_factory=set)
    refused: set[tuple[str, str]] = field(default_factory=set)  # objects of open crms whose consent is not shown
    unopened: dict[str, tuple[str, str]] = field(default_factory=dict)  # by crm: why this process paused it
    closed: dict[tuple[str, str], ClosedProperties] = field(default_factory=dict)
    other_rules: dict[str, list[str]] = field(default_factory=dict)  # by table: workers that have it otherwise
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def undoable(self) -> Mapping[tuple[str, str], Watch]:
        """Returns every object of which visits take changes back."""
        return {**self.watches, **self.companies}

    @property
    def vendor_clocks(self) -> Mapping[str, VendorClock]:
        """Returns the clock of every vendor, as its replies tell it."""
        clocks = {name: one.clock for name, one in self.providers.items()}
        clocks |= {name: one.clock for name, one in self.crms.items()}
        return clocks | ({"openprospect": self.collector.vendor_clock} if self.collector else {})

    async def open_crms(self, again_s: float = 60.0) -> None:
        """Open every crm that is not open yet; one that fails is paused with a sentence while the others work.

        The pause lasts to the next try, in ``again_s``, and through it: only the calls of that try pass.
        """
        await asyncio.gather(
            *(self._try_open(name, again_s) for name in sorted(self.shut)),
            *(self._try_object(*one) for one in sorted(self.refused)),
        )

    async def _try_open(self, name: str, again_s: float) -> None:
        if name in self.unopened:
            reason, why = self.unopened[name]
            until = clock() + int(2 * START_S * 1000)
            await self.ledger.pauses.pause(name, reason, until, why, calls_pass=True)
        try:
            async with asyncio.timeout(START_S):
                await self.open_crm(name)
        except TimeoutError:
            why = f"{name} did not answer within {START_S:.0f} s: it is asked again"
            await self._keep_shut(name, again_s, "outage", why)
            log.error("crm.unopened", crm=name, error="TimeoutError")
        except RateLimitedError as error:
            # Another worker's pause stands: with one more each time, two would keep each other out for good. Ours lets
            # calls of openings pass, so it keeps nobody out.
            if name in self.unopened:
                await self._keep_shut(name, again_s, *self.unopened[name])
            log.warning("crm.unopened", crm=name, error=type(error).__name__, status=error.status)
        except ConnectorError as error:
            reason = "credentials" if isinstance(error, AccessError) else "outage"
            why = error.hint or f"{name} cannot be opened ({type(error).__name__}): run refill check"
            await self._keep_shut(name, again_s, reason, why)
            log.error("crm.unopened", crm=name, error=type(error).__name__, status=error.status)
        except AnotherAccountError as error:
            log.error("crm.refused", crm=name, hint=str(error))  # no pause: that would keep out whose name it is
        except LedgerUnavailableError:
            raise
        except Exception as error:  # a fault of ours in one crm leaves the others at work
            why = f"{name} cannot be opened, by a fault of ours ({type(error).__name__}): see the log"
            await self._keep_shut(name, again_s, "outage", why)
            log.error("crm.unopened", crm=name, error=type(error).__name__, exc_info=error)
        else:
            self.shut.discard(name)
            self.unopened.pop(name, None)
            await self.ledger.pauses.lift(name, "outage")
            await self.ledger.pauses.lift(name, "credentials")

    async def _keep_shut(self, name: str, again_s: float, reason: str, why: str) -> None:
        """Pause a crm that this process could not open, to the next try."""
        before, _ = self.unopened.get(name, (reason, ""))
        self.unopened[name] = (reason, why)
        await self.ledger.pauses.pause(name, reason, clock() + int(again_s * 1000), why)
        if before != reason:
            await self.ledger.pauses.lift(name, before)

    async def _try_object(self, name: str, kind: str) -> None:
        """Open an object that was left out for its consent; it stays out while that cannot be read."""
        settings, vendor = self.settings.crm[name], self.crms[name]
        try:
            async with asyncio.timeout(START_S):
                schemas = Schemas(vendor)
                await refuse_unmet(name, settings, vendor, kind, schemas.of)
                await self._open_watch(name, settings, vendor, kind, settings.objects()[kind], schemas)
        except (ConnectorError, TimeoutError) as error:
            log.info("crm.object_refused", crm=name, object=kind, error=type(error).__name__)
            return
        self.refused.discard((name, kind))
        await self.ledger.pauses.lift(f"{name}.{kind}", "consent")

    async def open_crm(self, name: str) -> None:
        """Open what is watched and delivered in one crm.

        Raises:
            ConnectorError: it does not answer, refuses us, or lacks a property; the hint says what to do.
        """
        settings, vendor = self.settings.crm[name], self.crms[name]
        refused: dict[str, AccessError] = {}
        schemas = Schemas(vendor)
        await refuse_another(Accounts(self.ledger.scripts), self.settings, name, await vendor.account())
        await schemas.read_ahead(self._objects(name))
        for kind, watched in settings.objects().items():
            try:
                await refuse_unmet(name, settings, vendor, kind, schemas.of)
            except AccessError as error:
                if error.code != CONSENT:
                    raise
                refused[kind] = error  # the other objects of the crm may show theirs
                continue
            await self._open_watch(name, settings, vendor, kind, watched, schemas)
            await self.ledger.pauses.lift(f"{name}.{kind}", "consent")
        await self._refuse(name, refused)
        if self._is_delivered_to(name):  # else rows wait in the work
            await self._open_delivery(name, settings, vendor, schemas)
        if vendor.user_id:
            await self.ledger.users.tell(name, vendor.user_id)

    def _is_delivered_to(self, name: str) -> bool:
        openprospect = self.settings.providers.openprospect
        return bool(openprospect and name in openprospect.deliver_to and self.settings.crm[name].mode != "observe")

    def _objects(self, name: str) -> list[str]:
        """Lists the objects whose properties an opening reads."""
        settings = self.settings.crm[name]
        also = (settings.deliver_as, "company") if self._is_delivered_to(name) else ()
        return list(dict.fromkeys([*settings.objects(), *also]))

    async def _refuse(self, name: str, refused: Mapping[str, AccessError]) -> None:
        """Tell of objects that are not started; without any other that is the crm's own trouble."""
        if refused and not any(crm == name for crm, _ in self.watches):
            raise next(iter(refused.values()))
        for kind, error in refused.items():
            self.refused.add((name, kind))
            why = f"{error.hint}; it is looked at again every minute"
            await self.ledger.pauses.pause(f"{name}.{kind}", "consent", why=why)
            log.error("crm.object_refused", crm=name, object=kind, code=error.code)

    async def _open_watch(
        self, name: str, settings: CrmSettings, vendor: Crm, object: str, watched: WatchSettings, schemas: Schemas
    ) -> None:
        schema = await schemas.of(object)
        rules = await met_policy(
            policy(name, settings, object, watched, self.settings.providers), settings, vendor, schema
        )
        self.watches[name, object] = self._watch(name, vendor, rules, schema, verified(settings, rules))

    def _watch(
        self, name: str, vendor: Crm, rules: Policy, schema: Mapping[str, Property], verify: frozenset[str]
    ) -> Watch:
        """Wires what visits of an object need, and lets its leases be visited."""
        object = rules.object
        what = watched_of(rules, also=provenance.usable(vendor.provenance, schema).names)

        async def read(ids: Sequence[str]) -> Mapping[str, Found]:
            return await vendor.read(what, ids)

        reader: Batcher[str, Found] = Batcher(name, "read", read, str, vendor.batch)
        companies = Companies(vendor)
        work, reviews = self.ledger.work(name, object), Reviews(self.ledger.scripts, name, object)
        suppressed = self.lookups.suppressions.among
        lockable = [rule.property for rule in rules.rules if rule.lock_ms]

        async def edited(ids: Sequence[str]) -> Mapping[str, Mapping[str, Edit]]:
            return await vendor.edits(object, ids, lockable)

        edits: Batcher[str, Mapping[str, Edit]] = Batcher(name, "edits", edited, str, vendor.batch)
        kept, limiter = self.ledger, self.limiters[name]
        ways = (work, reader, companies, reviews, suppressed, edits, kept.bad.among)
        filled = [rule.property for rule in rules.rules if rule.write is not WriteRule.NEVER]
        closed = self.closed[name, object] = ClosedProperties(name, object, vendor, schema, filled, clock)
        watch = Watch(name, object, vendor, rules, what, closed.schema, *ways)
        pusher = Pusher(watch, limiter, verify=verify)
        facts = (kept.journal, kept.bad, kept.desk, kept.creations, self.lookups.yields, self.providers, self.owner)
        bad_values = BadValues(watch, *facts, clock)
        visitor = Visitor(watch, self.lookups, pusher, bad_values, closed, kept, limiter, clock)
        self._stack.push_async_callback(reader.aclose)
        self._stack.push_async_callback(edits.aclose)
        self._stack.push_async_callback(pusher.aclose)
        self._stack.push_async_callback(visitor.aclose)
        self._add_line(f"{name}.{object}", watch.work, vendor.batch, visitor.visit)
        return watch

    def _open_companies(self, name: str, settings: CrmSettings, vendor: Crm, schema: Mapping[str, Property]) -> None:
        """Opens the companies of a crm to undo: nothing looks for them, and nothing is bought or filled there."""
        places = delivered(settings, "company", readable=True)
        slots = {"company_domain": "domain", "company_website": "website"}
        identity = {slot: places[field] for slot, field in slots.items() if places.get(field) in schema}
        rules = Policy(crm=name, object="company", mode=settings.mode, identity=identity)
        self.companies[name, "company"] = self._watch(name, vendor, rules, schema, frozenset())

    async def _open_delivery(self, name: str, settings: CrmSettings, vendor: Crm, schemas: Schemas) -> None:
        person = settings.deliver_as
        await refuse_unmet(name, settings, vendor, person, schemas.of)
        rules = await delivery_rules(name, settings, vendor, schemas.of)
        schema = rules.schema
        closed: dict[str, ClosedProperties] = {}
        for kind in schema:
            written = delivered(settings, kind).values()
            if (name, kind) in self.watches:  # visits and deliveries go by one
                closed[kind] = self.closed[name, kind]
                closed[kind].write(written)
            else:
                closed[kind] = ClosedProperties(name, kind, vendor, schema[kind], written, clock)
        target = Target(
            crm=name,
            vendor=vendor,
            person=person,
            people=rules.people,
            external_id=settings.external_id,
            properties={kind: delivered(settings, kind) for kind in schema},
            readable={kind: delivered(settings, kind, readable=True) for kind in schema},
            schema={kind: one.schema for kind, one in closed.items()},
            accept=rules.accept,
            default_region=settings.default_region or "",
            work=self.ledger.work(name, DELIVERY),
            fill={kind: self.watches[name, kind].work for kind in rules.people if (name, kind) in self.watches},
            constants=rules.constants,
            suppressed=self.lookups.suppressions.among,
            hashes=self.lookups.suppressions.hashes,
            are_bad=self.ledger.bad.among,
            blank_values=settings.blank_values,
            opt_out={kind: no_in_records(opt_out(settings, kind), schema[kind]) for kind in rules.people},
            locks={kind: locks(settings, kind, delivered(settings, kind)) for kind in schema},
            memory={kind: self.ledger.work(name, kind) for kind in schema},
            reviews=Reviews(self.ledger.scripts, name, DELIVERY) if settings.mode == "review" else None,
        )
        ledger = self.ledger
        deliverer = Deliverer(
            target,
            tuple(closed.values()),
            ledger.deliveries,
            ledger.creations,
            ledger.signals,
            self.limiters[name],
            self.owner,
            clock,
        )
        self._stack.push_async_callback(deliverer.aclose)
        self.deliverers[name] = deliverer
        self._open_companies(name, settings, vendor, schema["company"])
        self.awaiting[name] = Awaiting(
            vendor, target.work, ledger.scripts, ledger.deliveries, ledger.all_work, ledger.cursors
        )
        self._add_line(f"{name}.{DELIVERY}", target.work, BLOCK, deliverer.deliver)

    def _add_line(self, name: str, work: Work, block: int, visit: Callable[[Lease], Awaitable[None]]) -> None:
        self.lines[name] = Line(name, work, block, attended(visit, work, self.ledger.pauses, clock))

    async def refresh_standing(self) -> None:
        """Reads prices and balance of every paid provider, from its own free read.

        What cannot be read stays as it was.
        """
        await asyncio.gather(*(self._read_standing(name, provider) for name, provider in self.providers.items()))

    async def _read_standing(self, name: str, provider: Provider) -> None:
        try:
            async with asyncio.timeout(START_S):
                status = await provider.account_status()
        except (ConnectorError, TimeoutError) as error:
            log.warning("provider.standing_unread", vendor=name, error=type(error).__name__)
            return
        self.lookups.terms[name].reprice(status.prices)
        if status.credits is not None:
            self.budget_lines.balances[name] = (clock(), status.credits)


@asynccontextmanager
async def open_runtime(settings: Settings, redis: Redis, *, owner: str = "") -> AsyncIterator[Runtime]:
    """Yields everything wired over an open Redis; closed in the order that loses nothing."""
    async with AsyncExitStack() as stack:
        ledger = Ledger.over(redis, settings.data_dir)
        owner = owner or f"{socket.gethostname()}-{token_hex(4)}"
        refresh_tokens = RefreshTokens(Grants(ledger.scripts), settings)
        draining, spool = asyncio.Event(), Spool(settings.data_dir)
        budget_lines = budget_lines_of(settings)
        limiters: dict[str, RedisLimiter] = {}

        def limiter_of(name: str) -> RedisLimiter:
            limiters[name] = RedisLimiter(ledger.scripts, name, {})
            return limiters[name]

        providers = open_providers(settings, limiter_of)
        for name, provider in providers.items():
            stack.push_async_callback(provider.aclose)
            limiters[name].add(provider.buckets)
        crms: dict[str, Crm] = {}
        for name, crm in settings.crm.items():
            crms[name] = open_crm(name, crm, limiter_of(name), refresh_tokens)
            limiters[name].add(crms[name].buckets)
            stack.push_async_callback(crms[name].aclose)
        suppressions = suppressions_of(settings, ledger.scripts)
        await suppressions.refuse_another_key()
        lookups = Lookups(
            terms={name: _terms(settings, provider) for name, provider in providers.items()},
            desk=ledger.desk,
            all_work=ledger.all_work,
            pauses=ledger.pauses,
            cursors=ledger.cursors,
            budget_lines=budget_lines,
            spool=spool,
            yields=Yields(ledger.scripts),
            suppressions=suppressions,
            bad=ledger.bad,
            owner=owner,
            keep_hits_ms=_ms(settings.answers.keep_hits),
            keep_misses_ms=_ms(settings.answers.keep_misses),
            clock=clock,
            draining=draining,
        )
        runtime = Runtime(
            settings=settings,
            ledger=ledger,
            owner=owner,
            budget_lines=budget_lines,
            spool=spool,
            lookups=lookups,
            visits=Visits(
                owner, settings.worker.concurrency, ledger.all_work, draining, slowness=partial(slowness_of, redis)
            ),
            limiters=limiters,
            providers=providers,
            crms=crms,
            collector=_collector(settings, ledger, limiter_of, suppressions, stack),
            shut=set(crms),
            _stack=await stack.enter_async_context(AsyncExitStack()),
        )
        yield runtime


def _collector(
    settings: Settings,
    ledger: Ledger,
    limiter_of: Callable[[str], RedisLimiter],
    suppressions: Suppressions,
    stack: AsyncExitStack,
) -> Collector | None:
    asked = settings.providers.openprospect
    if asked is None:
        return None
    limiter = limiter_of("openprospect")
    vendor = OpenProspect.opened(asked, limiter)
    limiter.add(vendor.buckets)
    stack.push_async_callback(vendor.aclose)
    return Collector(
        vendor,
        ledger.deliveries,
        ledger.cursors,
        crms=asked.deliver_to,
        delivery_ids=asked.delivery_ids,
        discover=asked.discover,
        suppressed=suppressions.among,
        clock=clock,
    )


def _terms(settings: Settings, provider: Provider) -> Terms:
    paid = settings.providers.paid[provider.name]
    return Terms(provider, provider.offers({}), paid.on_uncertain, _ms(paid.skip_after), paid.live_reserve)


def _ms(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
