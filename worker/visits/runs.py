"""Names runs, which a person or the schedule starts, and keeps what a person's run may spend."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from secrets import token_hex
from zoneinfo import ZoneInfo

from connectors.models import WriteResult
from worker.decide.kept import cause_of
from worker.ledger.rates.cursors import Cursors

_DAILY = "day-"
_PLANNED = "planned"
REFUSED = "refused."  # counted of a run: by the CRM's word


def new_run(kind: str) -> str:
    """Names a run that a person starts by what and when."""
    return f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(2)}"


def by_person(run: str) -> bool:
    """Says whether a person started the run: such a run is followed record by record and may have a cap."""
    return bool(run) and not run.startswith(_DAILY)


def planned_run() -> str:
    """Names a run that carries out a plan: it fills what the plan says and nothing else."""
    return new_run(_PLANNED)


def by_plan(run: str) -> bool:
    """Tells whether a run carries out a plan."""
    return run.startswith(f"{_PLANNED}-")


def day_run(crm: str, zone: str, now_ms: int) -> str:
    """Names the run of the day that a crm's webhook and poll visits belong to."""
    return f"{_DAILY}{crm}-{_day(zone, now_ms // 60_000)}"


@lru_cache(maxsize=256)
def _day(zone: str, minute: int) -> str:
    """Returns the day in a zone; asked for with every post that comes in, and the same for all of a minute."""
    return f"{datetime.fromtimestamp(minute * 60, ZoneInfo(zone)):%Y-%m-%d}"


async def set_cap(cursors: Cursors, run: str, credits: int) -> None:
    """Sets what a run may spend at most, for every worker to know."""
    await cursors.set(f"cap:{run}", str(credits))


async def cap_of(cursors: Cursors, run: str) -> int | None:
    """Returns what a run may spend at most, ``None`` without a bound."""
    kept = await cursors.get(f"cap:{run}")
    return int(kept) if kept else None


def refused_name(word: WriteResult) -> str:
    """Returns the name under which a run counts what a CRM refused with this word; whichever row was in the way."""
    return refused_because(cause_of(replace(word, existing_id="")))


def refused_because(cause: str) -> str:
    """Returns the same of a cause."""
    return REFUSED + cause.replace("|", "/")
