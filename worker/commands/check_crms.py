"""Checks one CRM after the other: its sign-in and scopes, its properties, and what visits and deliveries ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from config import retirements
from config.counts import counted
from config.crms import CrmSettings, WatchSettings
from config.load import variable
from config.paid import Providers
from config.problems import ConfigError
from config.settings import Settings
from connectors.errors import ConnectorError
from connectors.limits import NoLimiter
from connectors.models import Cursor, Property
from connectors.ports import Crm
from worker.commands.check_deliveries import unmet_by_deliveries
from worker.commands.check_platform import sign_in
from worker.commands.check_results import FAILED_LEVEL, OK, PATIENCE_S, WARNING, CheckResult, asked, failure, standing
from worker.commands.check_scopes import missing_scopes, setup_scopes
from worker.decide.fitting import chosen
from worker.ledger.intake.accounts import Accounts
from worker.service.accounts import another
from worker.service.needs import unmet
from worker.service.policy import as_records_say, opt_out, policy, watched_of
from worker.service.refresh_tokens import RefreshTokens
from worker.service.vendors import open_crm, renews

SOON_DAYS = 365


def checks_of_crms(
    settings: Settings, refresh_tokens: RefreshTokens | None, accounts: Accounts | None, stack: AsyncExitStack
) -> Iterator[Awaitable[list[CheckResult]]]:
    """Yields the checks of every crm, to be awaited together."""
    for name in settings.crm:
        yield _crm(name, settings, refresh_tokens, accounts, stack, delivered=name in settings.providers.deliver_to)


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
    found = await asked(name, credential, standing(name, vendor.account_status(), vendor.clock))
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

    def told(part: str, asking: Awaitable[list[CheckResult]]) -> Awaitable[list[CheckResult]]:
        return asked(f"{name} {part}", credential, asking)

    watched, writes = settings.objects(), settings.mode != "observe"
    companies = ("company",) if delivered or settings.watch.company else ()
    objects = list(dict.fromkeys([*watched, *companies, *([settings.deliver_as] if delivered else [])]))
    parts = await asyncio.gather(
        *(told(kind, _object(name, settings, vendor, kind, delivered=delivered)) for kind in objects),
        *(told(kind, _visits(name, settings, vendor, kind, providers)) for kind in objects if kind != "company"),
        *(told(kind, _rights(name, one, vendor, kind)) for kind, one in watched.items() if writes),
        *([told("delivery", _deliveries(name, settings, vendor))] if delivered and writes else ()),
    )
    return [*found, *_retirements(name, settings), *(one for part in parts for one in part)]


async def _scopes(name: str, settings: CrmSettings, vendor: Crm, *, delivered: bool) -> list[CheckResult]:
    """Names every scope that the credential lacks; nothing if it is refused, which is reported already."""
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


async def _visits(name: str, settings: CrmSettings, vendor: Crm, kind: str, providers: Providers) -> list[CheckResult]:
    """Checks the properties that visits of an object read besides the mapped ones, and runs the poll's query once."""
    part = f"{name} {kind}"
    try:
        lost = await unmet(name, settings, vendor, kind)
        found = [CheckResult(part, FAILED_LEVEL if one.refuses else WARNING, one.text, one.do) for one in lost]
        watched = settings.objects().get(kind)
        if watched is None or any(one.refuses for one in lost):
            return found
        rules = policy(name, settings, kind, watched, providers)
        schema = {**await vendor.properties(kind), **await vendor.related(kind, rules.properties)}
        rules = as_records_say(settings, rules, schema)
        if set(rules.properties) <= schema.keys():  # else they are named already
            await vendor.changed(watched_of(rules), Cursor(start=await vendor.now()))
            await vendor.walk(watched_of(rules), "")  # a backfill's own question
    except ValueError as error:
        return [CheckResult(part, FAILED_LEVEL, str(error), "correct it")]
    return found


async def _rights(name: str, watched: WatchSettings, vendor: Crm, kind: str) -> list[CheckResult]:
    """Tells whether rows of a watched object may be written."""
    if all(rule.write == "never" for rule in watched.fields.values()):
        return []
    grant = (await vendor.lacks(kind)).update
    return [CheckResult(f"{name} {kind}", FAILED_LEVEL, "our user cannot write its rows", grant)] if grant else []


async def _deliveries(name: str, settings: CrmSettings, vendor: Crm) -> list[CheckResult]:
    """Checks the needs of deliveries in a crm beyond those of visits."""
    return [
        CheckResult(f"{name} {one.object}", FAILED_LEVEL, one.text, one.do)
        for one in await unmet_by_deliveries(name, settings, vendor)
    ]


async def _object(name: str, settings: CrmSettings, vendor: Crm, kind: str, *, delivered: bool) -> list[CheckResult]:
    part = f"{name} {kind}"
    mapped = _mapped(name, settings, kind)
    schema = {**await vendor.properties(kind), **await vendor.related(kind, [property for _, property, _ in mapped])}
    found = [CheckResult(part, FAILED_LEVEL, text, do) for text, do in wrong_properties(name, settings, kind, schema)]
    if delivered and kind in {"company", settings.deliver_as} and (lost := vendor.missing(kind, schema)):
        text = f"its unique property {', '.join(lost)} is missing, so nothing can be delivered"
        found.append(CheckResult(part, FAILED_LEVEL, text, f"run refill setup {name}"))
    found += [CheckResult(part, WARNING, text, do) for text, do in _no_options(name, settings, kind, schema)]
    there = counted(len(mapped), "mapped property is there", "mapped properties are there")
    return found or [CheckResult(part, OK, there if mapped else "can be read")]


def wrong_properties(
    name: str, settings: CrmSettings, kind: str, schema: Mapping[str, Property]
) -> Iterable[tuple[str, str]]:
    """Names faults of mapped properties and the next step, each with the property and its key."""
    for key, property, written in _mapped(name, settings, kind):
        held = schema.get(property)
        if held is None:
            yield f"there is no property {property}", f"create it, let our user see it, or change {key}"
        elif written and not held.writable:
            yield (
                f"{property} is read-only for our user",
                f'give the right to edit it, or change {key} (write = "never")',
            )


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
            held = schema.get(property)
            options = held.options if held and not held.is_open else frozenset()
            for value in values:
                if options and value.strip() and options.isdisjoint(chosen(value, schema[property])):
                    text = f'"{value}" is not an option of {property}, so it matches no record'
                    yield text, f"use the internal value or the label of an option in {key}.{property}"


def _mapped(name: str, settings: CrmSettings, kind: str) -> list[tuple[str, str, bool]]:
    """Returns every property the configuration names for an object: its key, its name, whether we write it."""
    watched = settings.watching(kind)
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
