"""A provider opened for one command: on the shared limiter, with the ledger at hand."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Generic, Protocol, TypeVar

from config.problems import ConfigError
from config.settings import OpenProspect as OpenProspectSettings
from config.settings import Settings
from connectors.errors import RateLimitedError
from connectors.forager import Forager
from connectors.kaspr import Kaspr
from connectors.limits import Limiter, Window
from connectors.openprospect import OpenProspect
from connectors.ports import Provider
from worker.byhand.buying import Buyer, NotNowError
from worker.byhand.making import Maker
from worker.commands.session import opened_ledger, settings_of
from worker.ledger.limiter import RedisLimiter
from worker.ledger.spool import Spool
from worker.runtime import Ledger, clock, purse_of
from worker.sync import new_run
from worker.vendors import open_forager, open_kaspr, open_openprospect


class Client(Protocol):
    """What every connector has."""

    @property
    def name(self) -> str:
        """The vendor's name."""

    @property
    def buckets(self) -> "Mapping[str, tuple[Window, ...]]":
        """Its limits."""

    async def aclose(self) -> None:
        """Close connections."""


C = TypeVar("C", bound=Client)
P = TypeVar("P", bound=Provider)


@dataclass(frozen=True, slots=True)
class Opened(Generic[C]):
    """One provider's client and what its calls are booked in."""

    client: C
    ledger: Ledger
    settings: Settings

    @property
    def maker(self) -> Maker:
        """For what creates a row."""
        return Maker(self.ledger.creations, self.ledger.cursors, _owner(), self.ledger.scripts.now)


@dataclass(frozen=True, slots=True)
class Paid(Opened[P]):
    """A provider that costs credits."""

    buyer: Buyer


@asynccontextmanager
async def at_forager(config: Path | None) -> AsyncIterator[Paid[Forager]]:
    """Forager.

    Raises:
        ConfigError: it is not configured.
        NotNowError: it is paused, or its rate is used up.
    """
    settings = settings_of(config)
    asked = settings.providers.forager
    if asked is None:
        raise _unknown("forager")
    async with _open(settings, lambda limiter: open_forager(asked, limiter)) as (client, ledger):
        yield Paid(client, ledger, settings, _buyer(client, ledger, settings))


@asynccontextmanager
async def at_kaspr(config: Path | None) -> AsyncIterator[Paid[Kaspr]]:
    """Kaspr; raises as ``at_forager``."""
    settings = settings_of(config)
    asked = settings.providers.kaspr
    if asked is None:
        raise _unknown("kaspr")
    async with _open(settings, lambda limiter: open_kaspr(asked, limiter)) as (client, ledger):
        yield Paid(client, ledger, settings, _buyer(client, ledger, settings))


@asynccontextmanager
async def at_openprospect(config: Path | None) -> AsyncIterator[Opened[OpenProspect]]:
    """OpenProspect; raises as ``at_forager``."""
    settings = settings_of(config)
    asked: OpenProspectSettings | None = settings.providers.openprospect
    if asked is None:
        raise _unknown("openprospect")
    async with _open(settings, lambda limiter: open_openprospect(asked, limiter)) as (client, ledger):
        yield Opened(client, ledger, settings)


@asynccontextmanager
async def _open(settings: Settings, build: Callable[[Limiter], C]) -> AsyncIterator[tuple[C, Ledger]]:
    async with opened_ledger(settings) as ledger:
        limiter = _Late(ledger)
        client = build(limiter.of)
        limiter.of.add(client.buckets)
        try:
            yield client, ledger
        except RateLimitedError as error:
            raise await _not_now(error, ledger) from error
        finally:
            await client.aclose()
