"""Finds causes for alerts: few and true ones, never a fault that ends by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from config.counts import counted
from config.masking import masked
from config.settings import Settings
from worker.ledger.rates.pauses import Pause
from worker.reports.health import LATE_MS, LATE_POLLS
from worker.reports.overview import Overview

HOUR_MS = 3_600_000


class Cause(StrEnum):
    CONFIGURATION = "configuration"
    VENDOR = "vendor"
    CREDITS = "credits"
    BOOKS = "books"
    RECORDS = "records"
    MACHINE = "machine"


class Alarm(Struct, frozen=True):
    """Describes a cause. ``wait_ms`` is how long it must have lasted, ``None`` = as configured."""

    key: str
    cause: Cause
    sentence: str
    wait_ms: int | None = None


# A manual pause needs no alert, and a limit that was reached ends by itself.
_PAUSES: Mapping[str, Cause] = {
    "consent": Cause.CONFIGURATION,
    "credentials": Cause.CONFIGURATION,
    "credits": Cause.CREDITS,
    "outage": Cause.VENDOR,
    "property": Cause.CONFIGURATION,
    "overrun": Cause.BOOKS,
    "reconcile": Cause.BOOKS,
    "restored": Cause.BOOKS,
}
_SLOW = {"outage": HOUR_MS}  # most outages are over before anybody has read of them


def alarms(found: Overview, settings: Settings) -> list[Alarm]:
    """Returns the present causes, worst first."""
    return [*_machine(found), *_pauses(found), *_polls(found, settings), *_money(found), *_records(found)]


def _machine(found: Overview) -> Iterator[Alarm]:
    serving = [beat for beat in found.workers if beat.serves_all]
    if not serving:
        yield Alarm("workers", Cause.MACHINE, "No worker is alive, so nothing is looked at. Next: refill up.")
    if found.unsafe:
        yield Alarm("redis:unsafe", Cause.MACHINE, f"Redis may forget: {found.unsafe[0]}. Next: refill check.")
    if found.memory is not None and found.memory.is_full:
        yield Alarm("redis:full", Cause.MACHINE, "Redis is nearly full, so backfill pauses. Next: refill status.")
    if any(beat.info.get("no_room") for beat in serving):
        sentence = "A worker has no room on its disk for paid replies, so it buys nothing. Next: refill check."
        yield Alarm("disk", Cause.MACHINE, sentence)


def _pauses(found: Overview) -> Iterator[Alarm]:
    for one in found.pauses:
        if cause := _PAUSES.get(one.reason):
            yield Alarm(f"pause:{one.target}:{one.reason}", cause, _paused(one), _SLOW.get(one.reason))


def _paused(one: Pause) -> str:
    why = masked(one.why or one.reason.replace("_", " ")).rstrip(".")
    named = why if one.target.partition(":")[0].partition(".")[0] in why else f"{one.target}: {why}"
    waits = "" if one.reason == "property" else " Its records wait."
    return f"{named}.{waits} Next: refill check."


def _polls(found: Overview, settings: Settings) -> Iterator[Alarm]:
    """Yields a crm whose polls fail although workers are alive and nothing pauses it."""
    paused = {one.target.partition(":")[0].partition(".")[0] for one in found.pauses if one.reason != "property"}
    if not any(beat.serves_all for beat in found.workers):
        return
    for (crm, kind), last in found.polls.items():
        if crm in paused or crm not in settings.crm or kind not in settings.crm[crm].objects():
            continue
        late_ms = max(HOUR_MS, LATE_MS, LATE_POLLS * int(settings.crm[crm].poll_every.total_seconds() * 1000))
        if found.now_ms - last > late_ms:
            sentence = f"{crm} {kind} was not polled for an hour. Next: refill check, and the worker's log."
            yield Alarm(f"poll:{crm}:{kind}", Cause.VENDOR, sentence)


def _money(found: Overview) -> Iterator[Alarm]:
    if found.uncertain:
        lookups = counted(found.uncertain, "lookup")
        sentence = f"{lookups} may have been charged, and no bill shows it. Next: refill uncertain list."
        yield Alarm("uncertain", Cause.BOOKS, sentence, 6 * HOUR_MS)
    for name, one in found.credits.items():
        if one.cap.month is not None and one.month >= one.cap.month:
            sentence = (
                f"{name} has spent {one.month} of the month's {counted(one.cap.month, 'credit')} and waits for the "
                f"next month. Next: raise providers.{name}.budget.month, or wait."
            )
            yield Alarm(f"budget:{name}", Cause.CREDITS, sentence)


def _records(found: Overview) -> Iterator[Alarm]:
    for (crm, kind), one in found.work.items():
        if one.dead:
            sentence = f"{crm} {kind} has dead letters ({one.dead} now). Next: refill dead list {crm} {kind}."
            yield Alarm(f"dead:{crm}:{kind}", Cause.RECORDS, sentence)
