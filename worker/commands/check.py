"""Implements ``check``: configuration, Redis, credentials and mapped properties, each with what to do about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import AsyncExitStack

from rich.text import Text
from structlog.contextvars import bound_contextvars

from config.counts import counted
from config.load import variable
from config.problems import ConfigError
from config.settings import Settings
from connectors.limits import NoLimiter
from connectors.openprospect.client import OpenProspect
from worker.commands.check_crms import checks_of_crms
from worker.commands.check_platform import hosts, redis_place
from worker.commands.check_results import FAILED_LEVEL, OK, WARNING, CheckResult, asked, standing
from worker.commands.options import Config, Json, as_command, one_command
from worker.commands.session import err, out, print_json, settings_of, with_work
from worker.commands.tables import cell, table
from worker.ledger.intake.accounts import Accounts
from worker.ledger.intake.grants import Grants
from worker.ledger.money.spool import Room, Spool, sized
from worker.ledger.rates.timetable import Timetable
from worker.ledger.scripts import Scripts
from worker.manual.exit_codes import DONE, FAILED, WRONG_USE
from worker.redis.connection import Safety, check_safety, open_redis
from worker.reports.words import lasting
from worker.service.accounts import sentences
from worker.service.refresh_tokens import RefreshTokens
from worker.service.rules import differing, rules_of, sentence
from worker.service.vendors import open_providers

_OTHERWISE = "restart them, if it was changed; two installations need names (docs/redis.md)"
_STYLES = {OK: "green", WARNING: "yellow", FAILED_LEVEL: "red"}

app = one_command()


@as_command(app)
async def command(config: Config = None, as_json: Json = False) -> int:
    """Verify configuration, Redis, credentials, mapped properties; say what to do."""
    try:
        settings = settings_of(config)
    except ConfigError as error:
        if not as_json:
            raise
        _show([CheckResult("configuration", FAILED_LEVEL, problem) for problem in error.problems], as_json=True)
        return WRONG_USE
    logging.getLogger("connectors").setLevel(logging.ERROR)  # problems are listed again below the table
    findings = await check(settings)
    _show(findings, as_json=as_json)
    return FAILED if any(one.level == FAILED_LEVEL for one in findings) else DONE


def _show(findings: Sequence[CheckResult], *, as_json: bool) -> None:
    if as_json:
        ok = all(one.level != FAILED_LEVEL for one in findings)
        print_json({"ok": ok, "checks": [one.as_json() for one in findings]})
        return
    found = table("Check", ("part", "level", "found", "what to do"), ())
    for one in sorted(findings, key=lambda one: list(_STYLES).index(one.level)):  # all problems last, together
        level = Text(one.level, style=_STYLES[one.level])
        found.add_row(cell(one.part), level, cell(one.text), cell(one.do))
    out.print(found)
    failed = sum(one.level == FAILED_LEVEL for one in findings)
    (err if failed else out).say(f"{failed} of {len(findings)} failed" if failed else "all is well")


async def check(settings: Settings) -> list[CheckResult]:
    """Returns every finding: configuration, Redis, vendors in the order of the configuration.

    Vendors are asked past the limiter, a handful of calls in all: a pause, for a bad credential perhaps, must not keep
    the credential from being looked at.
    """
    findings = [CheckResult("configuration", WARNING, warning) for warning in settings.warnings] or [
        CheckResult("configuration", OK, _configured(settings))
    ]
    if not settings.crm:
        nothing = "no crm is configured, so nothing is watched and nothing is written"
        findings.append(CheckResult("crm", WARNING, nothing, "write one with refill init; refill csv needs none"))
    else:
        findings += _idle(settings)
    if called := hosts(settings):
        findings.append(CheckResult("hosts", OK, f"calls {', '.join(called)} and no other"))
    findings += list(_alerts(settings))
    findings += [CheckResult("files", FAILED_LEVEL, sentence) for sentence in settings.exposed]
    findings.append(disk(Spool(settings.data_dir).room))
    if broken := Spool(settings.data_dir).broken():
        text = (
            f"cannot load {counted(broken, 'paid reply', 'paid replies')} in {settings.data_dir / 'spool'}: set aside"
        )
        findings.append(CheckResult("spool", WARNING, text, "see refill uncertain list"))
    async with AsyncExitStack() as stack:
        refresh_tokens: RefreshTokens | None = None
        accounts: Accounts | None = None
        try:
            redis = await stack.enter_async_context(open_redis(settings))
            findings += _redis(settings, await check_safety(redis, allow_unsafe=settings.redis.allow_unsafe))
            refresh_tokens = RefreshTokens(Grants(Scripts(redis)), settings)
            accounts = Accounts(Scripts(redis))
            findings += [
                CheckResult("installation", FAILED_LEVEL, text) for text in await sentences(accounts, settings)
            ]
            if others := differing(rules_of(settings), await Timetable(Scripts(redis)).alive()):
                findings.append(CheckResult("installation", WARNING, sentence(others), _OTHERWISE))
        except ConfigError as error:
            findings += [CheckResult("redis", FAILED_LEVEL, problem) for problem in error.problems]
        checks = [*await _providers(settings, stack), *checks_of_crms(settings, refresh_tokens, accounts, stack)]
        with bound_contextvars(job="check"):
            for found in await asyncio.gather(*checks):
                findings += found
    return findings


def _alerts(settings: Settings) -> Iterator[CheckResult]:
    """Says where alerts go; nothing is sent."""
    if not settings.alerts.is_on:
        do = "set REFILL_ALERTS__SLACK_URL or another of [alerts] (docs/alerts.md)"
        yield CheckResult("alerts", OK, "go nowhere", do)
        return
    from connectors.alerts.channels import channels

    after = lasting(int(settings.alerts.after.total_seconds() * 1000))
    for way in channels(settings.alerts):
        yield CheckResult("alerts", OK, f"go to {way.name} ({way.where}) after {after}", "refill alerts test sends one")


def disk(room: Room) -> CheckResult:
    """Says how much room is left for paid replies and the embedded Redis."""
    free, needed = sized(room.free()), sized(room.needed())
    if text := room.lacking():
        hint = "make room, or give the folder to this user (chown); nothing more is bought meanwhile"
        return CheckResult("disk", FAILED_LEVEL, text, hint)
    return CheckResult("disk", OK, f"{free} free under data_dir; paid calls stop below {needed}")


def _idle(settings: Settings) -> Iterator[CheckResult]:
    """Yields what keeps a worker from being started, and crms that nothing is looked at in."""
    try:
        with_work(settings)
    except ConfigError as error:
        yield from (CheckResult("configuration", FAILED_LEVEL, problem) for problem in error.problems)
        return
    for name, crm in settings.crm.items():
        if not crm.objects() and name not in settings.providers.deliver_to:
            text = "none of its objects is watched and nothing is delivered to it"
            yield CheckResult(name, WARNING, text, f"add a table [crm.{name}.watch.contact], or take it out")


def _configured(settings: Settings) -> str:
    return ", ".join([*settings.providers.names, *settings.crm]) or "nothing is configured"


def _redis(settings: Settings, safety: Safety) -> Iterator[CheckResult]:
    own = f"your own at {place}" if (place := redis_place(settings)) else "your own"
    if settings.redis.url is None:
        own = "embedded, reached by this user over a socket in a folder of its own only"
    fsync = f", appendfsync {safety.appendfsync}" if safety.appendfsync else ""
    yield CheckResult("redis", OK, f"{safety.server}, {own}{fsync}")
    for note in safety.notes:
        yield CheckResult("redis", WARNING, note)


# ---- providers ---------------------------------------------------------------------------------------------------


async def _providers(settings: Settings, stack: AsyncExitStack) -> list[Awaitable[list[CheckResult]]]:
    found: list[Awaitable[list[CheckResult]]] = []
    for name, provider in open_providers(settings, lambda _: NoLimiter()).items():
        stack.push_async_callback(provider.aclose)
        key = variable(("providers", name, "api_key"))
        found.append(asked(name, key, standing(name, provider.account_status(), provider.clock)))
    if settings.providers.openprospect:
        vendor = OpenProspect.opened(settings.providers.openprospect, NoLimiter())
        stack.push_async_callback(vendor.aclose)
        key = variable(("providers", "openprospect", "api_key"))
        found.append(asked("openprospect", key, standing("openprospect", vendor.account_status(), vendor.clock)))
    return found
