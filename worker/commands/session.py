"""Opens the parts that every command begins with: the configuration, the logs, a ledger."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from config.load import load
from config.logs import configure_logs
from config.plain import escaped
from config.problems import ConfigError
from config.settings import Settings
from worker.commands.terminal import Terminal
from worker.ledger.intake.accounts import Accounts
from worker.ledger.ledger import Ledger
from worker.redis.connection import open_redis
from worker.service.accounts import refuse_others

if TYPE_CHECKING:
    from worker.service.runtime import Runtime

out = Terminal()
err = Terminal(stderr=True)


def settings_of(config: Path | None, *, verbose: bool = False) -> Settings:
    """Returns the configuration, with its warnings said and the logs set up.

    Raises:
        ConfigError: one sentence per problem.
    """
    level = logging.INFO if verbose else logging.WARNING
    configure_logs(level=level, for_good=not structlog.is_configured())
    settings = load(config, os.environ)
    for warning in (*settings.warnings, *settings.exposed):
        err.say(f"warning: {warning}", style="yellow")
    return settings


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator[Runtime]:
    """Yields an open ledger with everything wired over it; no crm is asked for anything yet."""
    from worker.service.runtime import open_runtime
    from worker.service.tracing import tracing

    async with tracing(), open_redis(settings) as redis, open_runtime(settings, redis) as runtime:
        await refuse_others(Accounts(runtime.ledger.scripts), settings)
        yield runtime


@asynccontextmanager
async def opened_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Yields the ledger alone, for what asks no vendor."""
    async with open_redis(settings) as redis:
        ledger = Ledger.over(redis, settings.data_dir)
        await refuse_others(Accounts(ledger.scripts), settings)
        yield ledger


def run(main: Coroutine[Any, Any, int]) -> int:
    return asyncio.run(main)


def print_json(value: object) -> None:
    """Print one JSON object on standard output, for scripts."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
    sys.stdout.write(escaped(text) + "\n")


def report(values: Mapping[str, object], *sentences: str, as_json: bool) -> None:
    """Prints the result: one object for scripts, or sentences for people."""
    if as_json:
        print_json(values)
        return
    for sentence in sentences:
        out.say(sentence)


def with_work(settings: Settings, *, without_crm: bool = True) -> Settings:
    """Returns the settings if one of their crms gives a worker something to do.

    A worker is also useful ``without_crm``: it buys for the web's enrichments.

    Raises:
        ConfigError: nothing is watched and nothing is delivered; the sentence says what to add.
    """
    watched = any(one.objects() for one in settings.crm.values())
    if (settings.crm or not without_crm) and not watched and not settings.providers.deliver_to:
        add = "add a table [crm.<name>.watch.contact], or name a crm in providers.openprospect.deliver_to"
        raise ConfigError([f"nothing is watched and nothing is delivered, so there is nothing to do: {add}"])
    return settings
