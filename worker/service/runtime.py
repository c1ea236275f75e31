"""Wires and closes the parts: one ``Runtime`` per process, handed to the flows as a value."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from secrets import token_hex

import structlog
from redis.asyncio import Redis

from config.settings import Settings
from connectors.batching import Joiners
from connectors.errors import ConnectorError
from connectors.openprospect.client import OpenProspect
from connectors.ports import Crm, Provider
from connectors.replies import VendorClock
from worker.ledger.intake.grants import Grants
from worker.ledger.ledger import Ledger
from worker.ledger.money.handle_lists import Suppressions
from worker.ledger.money.spool import Spool
from worker.ledger.own_clock import clock
from worker.ledger.rates.limiter import RedisLimiter
from worker.redis.together import hasten, slowness_of
from worker.service.loop_lag import LoopLag
from worker.service.refresh_tokens import RefreshTokens, suppressions_of
from worker.service.vendors import open_crm, open_providers
from worker.triggers.openprospect import Collector
from worker.visits.awaiting import Awaiting
from worker.visits.budget_lines import BudgetLines, budget_lines_of
from worker.visits.closed_properties import ClosedProperties
from worker.visits.deliver import Deliverer
from worker.visits.paid_call import PaidCalls, keeping_times
from worker.visits.purchase import Lookups, Terms
from worker.visits.runner import Line, Visits
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
    companies: dict[tuple[str, str], Watch] = field(default_factory=dict)  # if deliveries make some
    lines: dict[str, Line] = field(default_factory=dict)
    awaiting: dict[str, Awaiting] = field(default_factory=dict)
    deliverers: dict[str, Deliverer] = field(default_factory=dict)
    shut: set[str] = field(default_factory=set)
    refused: set[tuple[str, str]] = field(default_factory=set)  # objects of open crms whose consent is hidden
    unopened: dict[str, tuple[str, str]] = field(default_factory=dict)  # by crm: why this process paused it
    closed: dict[tuple[str, str], ClosedProperties] = field(default_factory=dict)
    other_rules: dict[str, list[str]] = field(default_factory=dict)  # by table: workers that have it otherwise
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)

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

    async def refresh_standing(self) -> None:
        """Reads prices and balance of every paid provider, from its free read.

        A figure that cannot be read stays as it was.
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
            ledger=ledger,
            calls=PaidCalls(ledger, spool, keeping_times(settings), clock),
            budget_lines=budget_lines,
            suppressions=suppressions,
            owner=owner,
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
                owner,
                settings.worker.concurrency,
                ledger.all_work,
                draining,
                joiners=Joiners(partial(slowness_of, redis), partial(hasten, redis)),
            ),
            limiters=limiters,
            providers=providers,
            crms=crms,
            collector=_collector(settings, ledger, limiter_of, suppressions, stack),
            shut=set(crms),
            closing=await stack.enter_async_context(AsyncExitStack()),
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
