"""Opens a provider for one command: on the shared limiter, with the ledger its calls are booked in."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Generic, TypeVar

from config.logs import configure_logs
from config.problems import ConfigError
from config.settings import Settings
from connectors.errors import RateLimitedError
from connectors.forager.client import Forager
from connectors.kaspr.client import Kaspr
from connectors.limits import Limiter
from connectors.openprospect.client import OpenProspect
from worker.commands.session import opened_ledger, settings_of
from worker.ledger.ledger import Ledger
from worker.ledger.money.spool import Spool
from worker.ledger.own_clock import clock
from worker.ledger.rates.limiter import RedisLimiter
from worker.ledger.run import Run, RunKind
from worker.manual.buying import Buyer, NotNowError
from worker.manual.creating import Maker
from worker.reports.words import until
from worker.service.refresh_tokens import suppressions_of
from worker.visits.budget_lines import budget_lines_of
from worker.visits.paid_call import keeping_times

C = TypeVar("C", Forager, Kaspr, OpenProspect)
P = TypeVar("P", Forager, Kaspr)


@dataclass(frozen=True, slots=True)
class Opened(Generic[C]):
    """Holds one provider's client, and the ledger."""

    client: C
    ledger: Ledger
    settings: Settings

    @property
    def maker(self) -> Maker:
        return Maker(self.ledger.creations, self.ledger.cursors, _owner(), self.ledger.scripts.now)

    @property
    def buyer(self) -> Buyer:
        """Returns the buyer for what costs credits.

        Raises:
            TypeError: this provider sells no lookups.
        """
        client, settings = self.client, self.settings
        if isinstance(client, OpenProspect):
            raise TypeError(client.name)
        return Buyer(
            provider=client,
            ledger=self.ledger,
            budget_lines=budget_lines_of(settings),
            spool=Spool(settings.data_dir),
            policy=settings.providers.paid[client.name].on_uncertain,
            keep=keeping_times(settings),
            owner=_owner(),
            run=Run.new(RunKind.HAND).name,
            suppressions=suppressions_of(settings, self.ledger.scripts),
            clock=clock,
        )


@asynccontextmanager
async def at_forager(config: Path | None) -> AsyncIterator[Opened[Forager]]:
    """Yields Forager.

    Raises:
        ConfigError: it is not configured.
        NotNowError: it is paused, or its rate is used up.
    """
    settings = _quiet(config)
    async with _open(settings, "forager", settings.providers.paid.get("forager"), Forager.opened) as opened:
        yield opened


@asynccontextmanager
async def at_kaspr(config: Path | None) -> AsyncIterator[Opened[Kaspr]]:
    """Yields Kaspr; raises as ``at_forager``."""
    settings = _quiet(config)
    async with _open(settings, "kaspr", settings.providers.paid.get("kaspr"), Kaspr.opened) as opened:
        yield opened


@asynccontextmanager
async def at_openprospect(config: Path | None) -> AsyncIterator[Opened[OpenProspect]]:
    """Yields OpenProspect; raises as ``at_forager``."""
    settings = _quiet(config)
    async with _open(settings, "openprospect", settings.providers.openprospect, OpenProspect.opened) as opened:
        yield opened


@asynccontextmanager
async def _open(
    settings: Settings, name: str, options: Any, build: Callable[[Any, Limiter], C]
) -> AsyncIterator[Opened[C]]:
    if options is None:
        raise ConfigError([f"{name} is not configured: add [providers.{name}] to refill.toml and set its key"])
    async with opened_ledger(settings) as ledger:
        limiter = RedisLimiter(ledger.scripts, name, {})
        client = build(options, limiter)
        limiter.add(client.buckets)
        try:
            yield Opened(client, ledger, settings)
        except RateLimitedError as error:
            raise await _not_now(error, ledger) from error
        finally:
            await client.aclose()


def _quiet(config: Path | None) -> Settings:
    """Returns the configuration; of the logs errors only, since a person is shown sentences."""
    settings = settings_of(config)
    configure_logs(level=logging.ERROR)
    return settings


async def _not_now(error: RateLimitedError, ledger: Ledger) -> NotNowError:
    """Says whose limit it is, and the next step."""
    vendor, seconds = error.vendor, round(error.retry_after_s or 0)
    if error.status is None:
        pauses = await ledger.pauses.of(*dict.fromkeys([vendor, error.bucket or vendor]))
        if pauses:
            now = await ledger.scripts.now()
            why = "; ".join(f"{one.why or one.reason}, {until(one.until_ms, now)}" for one in pauses)
            return NotNowError(f"{vendor} is paused ({why}): refill resume {vendor} lifts it at once")
        return NotNowError(f"the rate of {vendor} is used up for now: try again in {max(1, seconds)} s")
    wait = f"in {max(1, seconds)} s" if seconds else "later"
    return NotNowError(f"{vendor} says that its rate is used up (status {error.status}): try again {wait}")


def _owner() -> str:
    return f"{socket.gethostname()}-hand-{token_hex(4)}"
