"""Describes each crm and provider in one word and a sentence, from the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from config.counts import counted
from config.settings import Settings
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.rates.pauses import Pause
from worker.reports.overview import Overview
from worker.reports.words import ago, lasting

LATE_POLLS, LATE_MS = 3, 300_000  # polls missed, and at least so long, before a poll counts as late


class Health(StrEnum):
    """Holds how somebody does; the last are the worst."""

    HEALTHY = "healthy"
    RETRY_PENDING = "retry pending"
    DEGRADED = "degraded"
    SHUT = "shut"


class Standing(Struct, frozen=True):
    name: str
    health: Health
    sentence: str


class MonthForecast(Struct, frozen=True):
    """Forecasts a month's credits at the pace of its days so far; ``None`` if no budget is set."""

    spent: int
    expected: int
    budget: int | None

    @property
    def is_over(self) -> bool:
        """Tells whether the month's budget will not last."""
        return self.budget is not None and self.expected > self.budget


def standings(found: Overview, settings: Settings) -> list[Standing]:
    """Returns how every configured crm and provider does, crms first."""
    return [*_crms(found, settings), *_providers(found, settings)]


def _crms(found: Overview, settings: Settings) -> Iterator[Standing]:
    serving = [beat for beat in found.workers if beat.serves_all]
    for name, crm in settings.crm.items():
        polls = [at for (one, _), at in found.polls.items() if one == name]
        last = max(polls, default=0)
        late_ms = max(LATE_MS, LATE_POLLS * int(crm.poll_every.total_seconds() * 1000))
        shut = serving and all(name in beat.info.get("shut", ()) for beat in serving)
        if pauses := _of(found.pauses, name):
            yield Standing(name, *_paused(pauses, name, found.now_ms))
        elif shut:
            yield Standing(name, Health.SHUT, "No worker could open it. Run refill check.")
        elif crm.objects() and not serving:
            yield Standing(name, Health.DEGRADED, "No worker is alive, so nothing is filled. Start refill up.")
        elif crm.objects() and last and found.now_ms - min(polls) > late_ms:
            sentence = f"The last successful poll was {ago(min(polls), found.now_ms)}. See the worker's log."
            yield Standing(name, Health.DEGRADED, sentence)
        elif crm.objects() and not last:
            yield Standing(name, Health.RETRY_PENDING, "Not polled yet.")
        else:
            yield Standing(name, Health.HEALTHY, "Polled on schedule." if last else "Receives deliveries.")


def _providers(found: Overview, settings: Settings) -> Iterator[Standing]:
    for name in settings.providers.paid:
        if pauses := _of(found.pauses, name):
            yield Standing(name, *_paused(pauses, name, found.now_ms))
        elif found.credits[name].cap.day is not None and found.credits[name].today >= (
            found.credits[name].cap.day or 0
        ):
            yield Standing(name, Health.RETRY_PENDING, "Today's budget is spent. Lookups go on tomorrow.")
        else:
            yield Standing(name, Health.HEALTHY, "No problem is known.")
    if settings.providers.openprospect:
        if pauses := _of(found.pauses, "openprospect"):
            yield Standing("openprospect", *_paused(pauses, "openprospect", found.now_ms))
        else:
            sentence = "Deliveries are collected on schedule." if found.collected_ms else "Nothing collected yet."
            yield Standing("openprospect", Health.HEALTHY, sentence)


def _of(pauses: Sequence[Pause], name: str) -> list[Pause]:
    return [one for one in pauses if one.target == name or one.target.startswith((f"{name}:", f"{name}."))]


def _paused(pauses: Sequence[Pause], name: str, now_ms: int) -> tuple[Health, str]:
    """Returns the word for the worst of several reasons, with its sentence."""
    worst = max(pauses, key=lambda one: (_health(one, name), one.until_ms == 0, one.until_ms))
    until = f" Next try in {lasting(worst.until_ms - now_ms)}." if worst.until_ms else ""
    sentence = (worst.why or f"Paused: {worst.reason.replace('_', ' ')}").rstrip(".")
    return _health(worst, name), f"{sentence[:1].upper()}{sentence[1:]}.{until}"


def _health(pause: Pause, name: str) -> Health:
    if pause.until_ms or pause.probe:
        return Health.RETRY_PENDING
    return Health.SHUT if pause.target == name else Health.DEGRADED


def forecast(spent: int, budget: int | None, day: int, days: int) -> MonthForecast:
    """Returns a month's cost on its last day, if its ``days`` go on as its first ``day`` did."""
    return MonthForecast(spent, round(spent * days / max(1, day)), budget)


def alerts(found: Overview, forecasts: dict[str, MonthForecast]) -> list[str]:
    """Returns sentences about faults that need a person now; a pending retry is not one."""
    sentences = [f"{danger}." for danger in found.unsafe]
    if not any(beat.serves_all for beat in found.workers):
        sentences.append("No worker is alive.")
    if any(beat.info.get("no_room") for beat in found.workers):
        sentences.append("A worker's disk is too full to keep paid replies, so it buys nothing.")
    dead = sum(one.dead for one in found.work.values())
    if dead:
        sentences.append(f"{counted(dead, 'record is a dead letter', 'records are dead letters')}.")
    if found.uncertain:
        sentences.append(f"{counted(found.uncertain, 'lookup')} may have been charged.")
    if found.memory is not None and found.memory.is_full:
        sentences.append("Redis is nearly full, so backfill is paused.")
    for name, comparison in found.reconciled.items():
        if excess := (comparison.get("drift") or 0) - comparison.get("accepted", 0):
            credits = f"{counted(abs(excess), 'credit')} {'more' if excess > 0 else 'fewer'}"
            sentences.append(f"{name} billed {credits} than our ledger explains.")
    over = [name for name, one in forecasts.items() if one.is_over]
    sentences += [f"At this pace {name}'s budget will not last the month." for name in over]
    recovered = sum(count for (_, kind), count in found.recovered.items() if kind != DELIVERY)
    if recovered:
        sentences.append(f"Sweeps found {counted(recovered, 'record', 'records')} that no webhook had announced.")
    return sentences
