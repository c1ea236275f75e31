"""Opens crms: when to try, what keeps one closed, and what is reported about it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from connectors.errors import AccessError, ConnectorError, RateLimitedError
from worker.ledger.intake.accounts import Accounts
from worker.ledger.own_clock import clock
from worker.ledger.scripts import LedgerUnavailableError
from worker.service.accounts import AnotherAccountError, refuse_another
from worker.service.crm_parts import open_delivery, open_watch
from worker.service.needs import CONSENT, Schemas, refuse_unmet
from worker.service.runtime import START_S, Runtime

log = structlog.get_logger(__name__)


async def open_crms(runtime: Runtime, again_s: float = 60.0) -> None:
    """Open every crm that is not open yet; one that fails is paused with a sentence while the others work.

    The pause lasts to the next try, in ``again_s``, and through it: only the calls of that try pass.
    """
    await asyncio.gather(
        *(_try_open(runtime, name, again_s) for name in sorted(runtime.shut)),
        *(_try_object(runtime, *one) for one in sorted(runtime.refused)),
    )


async def _try_open(runtime: Runtime, name: str, again_s: float) -> None:
    if name in runtime.unopened:
        reason, why = runtime.unopened[name]
        until = clock() + int(2 * START_S * 1000)
        await runtime.ledger.pauses.pause(name, reason, until, why, calls_pass=True)
    try:
        async with asyncio.timeout(START_S):
            await open_crm(runtime, name)
    except TimeoutError:
        why = f"{name} did not answer within {START_S:.0f} s: it is asked again"
        await _keep_shut(runtime, name, again_s, "outage", why)
        log.error("crm.unopened", crm=name, error="TimeoutError")
    except RateLimitedError as error:
        # Another worker's pause exists: if each attempt added one, two would keep each other out for good. Ours lets
        # calls of openings pass, so it keeps nobody out.
        if name in runtime.unopened:
            await _keep_shut(runtime, name, again_s, *runtime.unopened[name])
        log.warning("crm.unopened", crm=name, error=type(error).__name__, status=error.status)
    except ConnectorError as error:
        reason = "credentials" if isinstance(error, AccessError) else "outage"
        why = error.hint or f"{name} cannot be opened ({type(error).__name__}): run refill check"
        await _keep_shut(runtime, name, again_s, reason, why)
        log.error("crm.unopened", crm=name, error=type(error).__name__, status=error.status)
    except AnotherAccountError as error:
        log.error("crm.refused", crm=name, hint=str(error))  # a pause would stop the owner
    except LedgerUnavailableError:
        raise
    except Exception as error:  # a fault of ours in one crm leaves the others at work
        why = f"{name} cannot be opened, because of a fault of Refill's own ({type(error).__name__}): see the log"
        await _keep_shut(runtime, name, again_s, "outage", why)
        log.error("crm.unopened", crm=name, error=type(error).__name__, exc_info=error)
    else:
        runtime.shut.discard(name)
        runtime.unopened.pop(name, None)
        await runtime.ledger.pauses.lift(name, "outage")
        await runtime.ledger.pauses.lift(name, "credentials")


async def _keep_shut(runtime: Runtime, name: str, again_s: float, reason: str, why: str) -> None:
    """Pause a crm that this process could not open, to the next try."""
    before, _ = runtime.unopened.get(name, (reason, ""))
    runtime.unopened[name] = (reason, why)
    await runtime.ledger.pauses.pause(name, reason, clock() + int(again_s * 1000), why)
    if before != reason:
        await runtime.ledger.pauses.lift(name, before)


async def _try_object(runtime: Runtime, name: str, kind: str) -> None:
    """Open an object that was left out for its consent; it stays out while that cannot be read."""
    settings, vendor = runtime.settings.crm[name], runtime.crms[name]
    try:
        async with asyncio.timeout(START_S):
            schemas = Schemas(vendor)
            await refuse_unmet(name, settings, vendor, kind, schemas.of)
            await open_watch(runtime, name, settings, vendor, kind, settings.objects()[kind], schemas)
    except (ConnectorError, TimeoutError) as error:
        log.info("crm.object_refused", crm=name, object=kind, error=type(error).__name__)
        return
    runtime.refused.discard((name, kind))
    await runtime.ledger.pauses.lift(f"{name}.{kind}", "consent")


async def open_crm(runtime: Runtime, name: str) -> None:
    """Open the watched and delivered objects of one crm.

    Raises:
        ConnectorError: it does not answer, refuses us, or lacks a property; the hint says what to do.
    """
    settings, vendor = runtime.settings.crm[name], runtime.crms[name]
    refused: dict[str, AccessError] = {}
    schemas = Schemas(vendor)
    await refuse_another(Accounts(runtime.ledger.scripts), runtime.settings, name, await vendor.account())
    await schemas.read_ahead(_objects(runtime, name))
    for kind, watched in settings.objects().items():
        try:
            await refuse_unmet(name, settings, vendor, kind, schemas.of)
        except AccessError as error:
            if error.code != CONSENT:
                raise
            refused[kind] = error  # the other objects of the crm may show theirs
            continue
        await open_watch(runtime, name, settings, vendor, kind, watched, schemas)
        await runtime.ledger.pauses.lift(f"{name}.{kind}", "consent")
    await _refuse(runtime, name, refused)
    if _is_delivered_to(runtime, name):  # else rows wait in the work
        await open_delivery(runtime, name, settings, vendor, schemas)
    if vendor.user_id:
        await runtime.ledger.users.tell(name, vendor.user_id)


def _is_delivered_to(runtime: Runtime, name: str) -> bool:
    return name in runtime.settings.providers.deliver_to and runtime.settings.crm[name].mode != "observe"


def _objects(runtime: Runtime, name: str) -> list[str]:
    """Lists the objects whose properties are read when a crm is opened."""
    settings = runtime.settings.crm[name]
    also = (settings.deliver_as, "company") if _is_delivered_to(runtime, name) else ()
    return list(dict.fromkeys([*settings.objects(), *also]))


async def _refuse(runtime: Runtime, name: str, refused: Mapping[str, AccessError]) -> None:
    """Tell of objects that are not started; without any other that is the crm's own trouble."""
    if refused and not any(crm == name for crm, _ in runtime.watches):
        raise next(iter(refused.values()))
    for kind, error in refused.items():
        runtime.refused.add((name, kind))
        why = f"{error.hint}; it is looked at again every minute"
        await runtime.ledger.pauses.pause(f"{name}.{kind}", "consent", why=why)
        log.error("crm.object_refused", crm=name, object=kind, code=error.code)
