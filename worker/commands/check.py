"""Implements ``check``: configuration, Redis, credentials and mapped properties, each with what to do about it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from rich.text import Text
from structlog.contextvars import bound_contextvars

from config import retirements
from config.crms import CrmSettings, WatchSettings
from config.load import variable
from config.paid import Providers
from config.problems import ConfigError
from config.settings import Settings
from connectors.errors import AccessError, ConnectorError, ContractError, CreditsError, UnavailableError
from connectors.limits import NoLimiter
from connectors.models import AccountStatus, Cursor, Property
from connectors.openprospect.client import OpenProspect
from connectors.ports import Crm
from connectors.vendor_clock import VendorClock
from worker.commands.check_deliveries import unmet_by_deliveries
from worker.commands.check_platform import hosts, redis_place, sign_in
from worker.commands.check_scopes import missing_scopes, setup_scopes
from worker.commands.options import Config, Json, finish, one_command
from worker.commands.session import err, out, print_json, settings_of
from worker.commands.tables import cell, table
from worker.decide.schema import chosen
from worker.ledger.intake.accounts import Accounts
from worker.ledger.intake.grants import Grants
from worker.ledger.money.room import Room, sized
from worker.ledger.money.spool import Spool
from worker.ledger.rates.timetable import Timetable
from worker.ledger.scripts import Scripts
from worker.manual.exit_codes import DONE, FAILED, WRONG_USE
from worker.redis.connection import Safety, check_safety, open_redis
from worker.reports.words import lasting
from worker.service.accounts import another, sentences
from worker.service.needs import unmet
from worker.service.policy import as_records_say, opt_out, policy, watched_of
from worker.service.refresh_tokens import RefreshTokens
from worker.service.rules import differing, rules_of, sentence
from worker.service.vendors import open_crm, open_providers, renews
from worker.upkeep.vendor_clocks import FAR_MS

OK, WARNING, FAILED_LEVEL = "ok", "warning", "failed"
PATIENCE_S = 60.0
SOON_DAYS = 365
_OTHERWISE = "restart them, if it was changed; two installations need names (docs/redis.md)"
_STYLES = {OK: "green", WARNING: "yellow", FAILED_LEVEL: "red"}


class CheckResult(Struct, frozen=True):
    """Tells of one thing that was looked at. ``do`` is what a person should do about it, ``""`` for nothing."""

    part: str
    level: str
    text: str
    do: str = ""

    def as_json(self) -> dict[str, str]:
        """Returns what ``--json`` prints; its key ``told`` is older than the attribute."""
        return {"part": self.part, "level": self.level, "told": self.text, "do": self.do}


async def run_check(config: Path | None, *, as_json: bool) -> int:
    """Look at everything at once; no failure hides another."""
    try:
        settings = settings_of(config)
    except ConfigError as error:
        if not as_json:
            raise
        _show([CheckResult("configuration", FAILED_LEVEL, problem) for problem in error.problems], as_json=True)
        return WRONG_USE
    logging.getLogger("connectors").setLevel(logging.ERROR)  # what is repeated and why stands in the table
    findings = await check(settings)
    _show(findings, as_json=as_json)
    return FAILED if any(one.level == FAILED_LEVEL for one in findings) else DONE


def _show(findings: Sequence[CheckResult], *, as_json: bool) -> None:
    if as_json:
        ok = all(one.level != FAILED_LEVEL for one in findings)
        print_json({"ok": ok, "checks": [one.as_json() for one in findings]})
        return
    found = table("Check", ("part", "level", "found", "what to do"), ())
    for one in sorted(findings, key=lambda one: list(_STYLES).index(one.level)):  # what is wrong stands last, together
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
    if called := hosts(settings):
        findings.append(CheckResult("hosts", OK, f"calls {', '.join(called)} and no other"))
    findings += list(_alerts(settings))
    findings += [CheckResult("files", FAILED_LEVEL, sentence) for sentence in settings.exposed]
    findings.append(disk(Spool(settings.data_dir).room))
    if broken := Spool(settings.data_dir).broken():
        text = f"{broken} paid replies in {settings.data_dir / 'spool'} cannot be loaded and were set aside"
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
        asked = [*await _providers(settings, stack), *_crms(settings, refresh_tokens, accounts, stack)]
        with bound_contextvars(job="check"):
            for found in await asyncio.gather(*asked):
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
    """Says how much is left where paid replies and the embedded Redis are kept."""
    free, needed = sized(room.free()), sized(room.needed())
    if text := room.lacking():
        hint = "make room, or give the folder to this user (chown); nothing more is bought meanwhile"
        return CheckResult("disk", FAILED_LEVEL, text, hint)
    return CheckResult("disk", OK, f"{free} free under data_dir; paid calls stop below {needed}")


def _configured(settings: Settings) -> str:
    asked = ["openprospect"] if settings.providers.openprospect else []
    names = [*settings.providers.paid, *asked, *settings.crm]
    return ", ".join(names) or "nothing is configured"


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
    asked: list[Awaitable[list[CheckResult]]] = []
    for name, provider in open_providers(settings, lambda _: NoLimiter()).items():
        stack.push_async_callback(provider.aclose)
        key = variable(("providers", name, "api_key"))
        asked.append(_standing(name, key, provider.account_status(), provider.clock))
    if settings.providers.openprospect:
        vendor = OpenProspect.opened(settings.providers.openprospect, NoLimiter())
        stack.push_async_callback(vendor.aclose)
        key = variable(("providers", "openprospect", "api_key"))
        asked.append(_standing("openprospect", key, vendor.account_status(), vendor.clock))
    return asked


async def _standing(
    part: str, credential: str, asking: Awaitable[AccountStatus], clock: VendorClock
) -> list[CheckResult]:
    """Asks a vendor about us; ``credential`` names the variable it comes from, ``clock`` has read its reply."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            status = await asking
    except (ConnectorError, ConfigError, TimeoutError) as error:
        return [failure(part, credential, error)]
    facts = [status.who]
    if status.credits is not None:
        facts.append(f"{status.credits} credits left")
    if status.prices:
        prices = ", ".join(f"{name.replace('_', ' ')} {price}" for name, price in sorted(status.prices.items()))
        facts.append(f"credits per call: {prices}")
    empty = status.credits == 0
    do = "buy credits: nothing is looked up here until there are some" if empty else ""
    found = CheckResult(part, WARNING if empty else OK, "; ".join(facts), do)
    notes = [*status.notes, *_clock_note(clock)]
    return [found, *(CheckResult(part, _weight(note), note) for note in notes)]


def _clock_note(clock: VendorClock) -> Iterator[str]:
    """Says when a vendor's clock and this machine's are far apart: one of the two is wrong."""
    now_ms = clock.now()
    offset_s = 0 if now_ms is None else round(now_ms / 1000 - time.time())
    if abs(offset_s) * 1000 >= FAR_MS:
        way = "ahead of" if offset_s > 0 else "behind"
        yield f"its clock is {abs(offset_s)} s {way} this machine's: set this machine's clock by NTP"


def _weight(note: str) -> str:
    """Returns the level of notes: a note of figures is no warning."""
    return OK if note[:1].isdigit() else WARNING


def failure(part: str, credential: str, error: BaseException) -> CheckResult:
    """Says what failed and what to do, from the kind of failure and the connector's own hint."""
    hint = error.hint if isinstance(error, ConnectorError) else ""
    match error:
        case ConfigError():
            return CheckResult(part, FAILED_LEVEL, "; ".join(error.problems))
        case TimeoutError():
            return CheckResult(part, FAILED_LEVEL, "it does not answer", "check base_url and the network")
        case AccessError():
            text = f"it refuses our credential{_status(error)}"
            text = text if error.status in {401, 403} or not hint else f"it cannot be used{_status(error)}"
            return CheckResult(part, FAILED_LEVEL, text, hint or f"check {credential}")
        case CreditsError():
            return CheckResult(part, FAILED_LEVEL, "it has no credits left", hint or "buy some")
        case ContractError():
            return CheckResult(part, FAILED_LEVEL, f"its answer is none of this API ({error.code})", "check base_url")
        case UnavailableError() if error.status is None:
            return CheckResult(part, FAILED_LEVEL, "it does not answer", hint or "check base_url and the network")
        case UnavailableError():
            return CheckResult(part, FAILED_LEVEL, f"it is out of order{_status(error)}", hint or "try again later")
        case ConnectorError():
            text = f"it refuses the request{_status(error)}"
            return CheckResult(part, FAILED_LEVEL, text, hint or f"check base_url and {credential}")
    return CheckResult(part, FAILED_LEVEL, type(error).__name__)


def _status(error: ConnectorError) -> str:
    words = [*([f"status {error.status}"] if error.status else []), *([error.code] if error.code else [])]
    return f" ({', '.join(words)})" if words else ""


# ---- CRMs --------------------------------------------------------------------------------------------------------


def _crms(
    settings: Settings, refresh_tokens: RefreshTokens | None, accounts: Accounts | None, stack: AsyncExitStack
) -> Iterator[Awaitable[list[CheckResult]]]:
    to = settings.providers.openprospect.deliver_to if settings.providers.openprospect else ()
    for name in settings.crm:
        yield _crm(name, settings, refresh_tokens, accounts, stack, delivered=name in to)


async def _crm(
    name: str,
    whole: Settings,
    refresh_tokens: RefreshTokens | None,
    accounts: Accounts | None,
    stack: AsyncExitStack,
    *,
    delivered: bool,
) -> list[CheckResult]:
    settings, providers = whole.crm[name], whole.providers
    if refresh_tokens is None and renews(settings):
        text = "not asked: its refresh token may have been replaced, and the new one is in Redis"
        return [CheckResult(name, WARNING, text)]
    credential = variable(("crm", name, "token" if getattr(settings, "token", None) else "client_id"))
    try:
        vendor = open_crm(name, settings, NoLimiter(), refresh_tokens)
    except (ConnectorError, ConfigError) as error:
        return [failure(name, credential, error)]
    stack.push_async_callback(vendor.aclose)
    found = await _standing(name, credential, vendor.account_status(), vendor.clock)
    refused = any(one.level == FAILED_LEVEL for one in found)
    found += await _scopes(name, settings, vendor, delivered=delivered)
    if refused:
        return found  # the same credential would be refused for every object
    try:
        async with asyncio.timeout(PATIENCE_S):
            account = await vendor.account()
    except (ConnectorError, TimeoutError) as error:
        return [*found, failure(name, credential, error)]
    if accounts is not None and (text := await another(accounts, whole, name, account)):
        return [*found, CheckResult(name, FAILED_LEVEL, text)]
    watched = settings.objects()
    rights = [_rights(name, one, vendor, kind, credential) for kind, one in watched.items()]
    companies = ("company",) if delivered or settings.watch.company else ()
    objects = list(dict.fromkeys([*watched, *companies, *([settings.deliver_as] if delivered else [])]))
    parts = await asyncio.gather(
        *(_object(name, settings, vendor, kind, credential, delivered=delivered) for kind in objects),
        *(_asked(name, settings, vendor, kind, credential, providers) for kind in objects if kind != "company"),
        *(rights if settings.mode != "observe" else ()),
        *([_deliveries(name, settings, vendor, credential)] if delivered and settings.mode != "observe" else ()),
    )
    return [*found, *_retirements(name, settings), *(one for part in parts for one in part)]


async def _scopes(name: str, settings: CrmSettings, vendor: Crm, *, delivered: bool) -> list[CheckResult]:
    """Names every scope that the credential lacks; nothing where it is refused, which is said already."""
    part = f"{name} scopes"
    try:
        async with asyncio.timeout(PATIENCE_S):
            missing = await missing_scopes(settings, vendor, delivered=delivered)
            only_setup = await setup_scopes(vendor)
    except (ConnectorError, TimeoutError):
        return []
    if missing:
        do = f"give the token the scopes {', '.join(missing)}"
        return [CheckResult(part, FAILED_LEVEL, f"it lacks {', '.join(missing)}", do)]
    if missing is None:
        return []
    text = "it has all that the configuration takes"
    more = f"; refill setup would also need {', '.join(only_setup)}" if only_setup else ""
    return [CheckResult(part, OK, text + more)]


def _retirements(name: str, settings: CrmSettings) -> Iterator[CheckResult]:
    """Yields how we sign in, in which API version, and the announced ends of both."""
    yield CheckResult(f"{name} sign-in", OK, sign_in(settings))
    ends = _ends(settings)
    for end in ends:
        text = f"{end.sentence} (looked up {retirements.LOOKED_UP:%d %B %Y})"
        left = (end.ends - datetime.now(UTC).date()).days
        level = FAILED_LEVEL if left < 0 else WARNING if left < SOON_DAYS else OK
        yield CheckResult(f"{name} end of support", level, text)
    if not ends:
        text = f"no end is announced for its sign-in and API version (looked up {retirements.LOOKED_UP:%d %B %Y})"
        yield CheckResult(f"{name} end of support", OK, text)


def _ends(settings: CrmSettings) -> tuple[retirements.Retirement, ...]:
    if settings.kind == "hubspot":
        return retirements.of_hubspot(settings.api_version, private_app=settings.token is not None)
    end = retirements.of_salesforce_version(settings.api_version)
    return (end,) if end else ()


async def _asked(
    name: str, settings: CrmSettings, vendor: Crm, kind: str, credential: str, providers: Providers
) -> list[CheckResult]:
    """Asks for what visits of an object read besides the mapped properties, and the poll's own question once."""
    part = f"{name} {kind}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = [
                CheckResult(part, FAILED_LEVEL, one.text, one.do) for one in await unmet(name, settings, vendor, kind)
            ]
            watched = settings.objects().get(kind)
            if found or watched is None:
                return found
            schema = await vendor.properties(kind)
            rules = policy(name, settings, kind, watched, providers)
            schema = {**schema, **await vendor.related(kind, rules.properties)}
            rules = as_records_say(settings, rules, schema)
            if set(rules.properties) <= schema.keys():  # else they are named already
                await vendor.changed(watched_of(rules), Cursor(start=await vendor.now()))
                await vendor.walk(watched_of(rules), "")  # a backfill's own question
    except ValueError as error:
        return [CheckResult(part, FAILED_LEVEL, str(error), "correct it")]
    except (ConnectorError, TimeoutError) as error:
        return [failure(part, credential, error)]
    return []


async def _rights(name: str, watched: WatchSettings, vendor: Crm, kind: str, credential: str) -> list[CheckResult]:
    """Tells whether rows of a watched object may be written."""
    if all(rule.write == "never" for rule in watched.fields.values()):
        return []
    try:
        async with asyncio.timeout(PATIENCE_S):
            grant = (await vendor.lacks(kind)).update
    except (ConnectorError, TimeoutError) as error:
        return [failure(f"{name} {kind}", credential, error)]
    return [CheckResult(f"{name} {kind}", FAILED_LEVEL, "its rows cannot be written by us", grant)] if grant else []


async def _deliveries(name: str, settings: CrmSettings, vendor: Crm, credential: str) -> list[CheckResult]:
    """Checks what deliveries ask of a crm besides what visits do."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return [
                CheckResult(f"{name} {one.object}", FAILED_LEVEL, one.text, one.do)
                for one in await unmet_by_deliveries(name, settings, vendor)
            ]
    except (ConnectorError, TimeoutError) as error:
        return [failure(f"{name} delivery", credential, error)]


async def _object(
    name: str, settings: CrmSettings, vendor: Crm, kind: str, credential: str, *, delivered: bool
) -> list[CheckResult]:
    part = f"{name} {kind}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            schema = await vendor.properties(kind)
            chosen = [property for _, property, _ in _mapped(name, settings, kind)]
            schema = {**schema, **await vendor.related(kind, chosen)}
    except (ConnectorError, TimeoutError) as error:
        return [failure(part, credential, error)]
    found = [CheckResult(part, FAILED_LEVEL, text, do) for text, do in wrong_properties(name, settings, kind, schema)]
    if delivered and kind in {"company", settings.deliver_as} and (lost := vendor.missing(kind, schema)):
        text = f"its unique property {', '.join(lost)} is missing, so nothing can be delivered"
        found.append(CheckResult(part, FAILED_LEVEL, text, f"run refill setup {name}"))
    found += [CheckResult(part, WARNING, text, do) for text, do in _no_options(name, settings, kind, schema)]
    mapped = len(_mapped(name, settings, kind))
    return found or [CheckResult(part, OK, f"{mapped} mapped properties are there" if mapped else "can be read")]


def wrong_properties(
    name: str, settings: CrmSettings, kind: str, schema: Mapping[str, Property]
) -> Iterable[tuple[str, str]]:
    """Says what is wrong with mapped properties and what to do, each with the property and its key."""
    for key, property, written in _mapped(name, settings, kind):
        held = schema.get(property)
        if held is None:
            yield f"there is no property {property}", f"create it, let our user see it, or change {key}"
        elif written and not held.writable:
            yield f"{property} is read-only to us", f'give the right to edit it, or change {key} (write = "never")'


def _no_options(
    name: str, settings: CrmSettings, kind: str, schema: Mapping[str, Property]
) -> Iterator[tuple[str, str]]:
    """Says which values of a selection no record can hold, as far as the CRM's options tell."""
    watched = settings.objects().get(kind)
    groups: dict[str, Mapping[str, Sequence[str]]] = {f"crm.{name}.opt_out.{kind}": opt_out(settings, kind)}
    if watched is not None:
        groups[f"crm.{name}.watch.{kind}.where"] = watched.where
        groups[f"crm.{name}.watch.{kind}.skip_if"] = {one: [value] for one, value in watched.skip_if.items()}
    for key, wanted in groups.items():
        for property, values in wanted.items():
            options = schema[property].options if property in schema else frozenset()
            for value in values:
                if options and value.strip() and options.isdisjoint(chosen(value, schema[property])):
                    text = f'"{value}" is not an option of {property}, so no record is told by it'
                    yield text, f"use the internal value or the label of an option in {key}.{property}"


def _mapped(name: str, settings: CrmSettings, kind: str) -> list[tuple[str, str, bool]]:
    """Returns every property the configuration names for an object: its key, its name, whether we write it."""
    watched = getattr(settings.watch, kind, None)
    if watched is None:
        return []
    table_ = f"crm.{name}.watch.{kind}"
    fields = [(f"{table_}.fields.{one}", rule.property, rule.write != "never") for one, rule in watched.fields.items()]
    mapped = {property for _, property, _ in fields}
    slots = [(f"{table_}.identity.{one}", property, False) for one, property in watched.identity.items()]
    chosen = [
        (f"{table_}.{group}", property, False)
        for group in ("where", "skip_if")
        for property in getattr(watched, group, ())
    ]
    answers_no = {str(object): properties for object, properties in settings.opt_out.items()}.get(kind, {})
    chosen += [(f"crm.{name}.opt_out.{kind}", property, False) for property in answers_no]
    return fields + [one for one in slots if one[1] not in mapped] + chosen


app = one_command()


@app.command()
def command(config: Config = None, as_json: Json = False) -> None:
    """Verify configuration, Redis, credentials, mapped properties; say what to do."""
    finish(run_check(config, as_json=as_json))
