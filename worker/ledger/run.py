"""Holds a run, which a person or the schedule started: its name, and the facts in the name.

The journal, the figures and every record in the work bear a run's name. ``day-<crm>-<date>`` is the run of the day
that a crm's webhook and poll visits belong to, ``<kind>-<UTC time>-<four digits>`` one that a person started.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from secrets import token_hex
from typing import Self
from zoneinfo import ZoneInfo

from msgspec import Struct

_BEGUN = "%Y%m%dT%H%M%S"
_BY_PERSON = re.compile(r"(?P<kind>[a-z]+)-(?P<began>\d{8}T\d{6})-[0-9a-f]{4}")
_BY_SCHEDULE = re.compile(r"day-(?P<crm>.+)-(?P<day>\d{4}-\d{2}-\d{2})")


class RunKind(StrEnum):
    """Lists what starts a run."""

    DAY = "day"  # the schedule and webhooks
    SYNC = "sync"
    PLANNED = "planned"  # a sync that carries out a saved plan: it fills only the plan's fields
    BACKFILL = "backfill"
    CSV = "csv"
    HAND = "hand"
    ASK = "ask"  # an uncertain lookup may be asked again
    REPLAY = "replay"
    REVIEW = "review"
    UNDO = "undo"
    SUPPRESS = "suppress"
    FORGET = "forget"
    PAUSE = "pause"
    RESUME = "resume"


_KINDS = {str(kind): kind for kind in RunKind}


class Run(Struct, frozen=True):
    """Holds a run by its name. ``kind`` is ``None`` for a name that nothing here gives, or none at all."""

    name: str
    kind: RunKind | None
    crm: str = ""  # of a day's run
    day: str = ""  # of a day's run, as in 2026-11-29
    _began: str = ""

    @classmethod
    def new(cls, kind: RunKind) -> Self:
        """Starts a run, now, by a person."""
        began = f"{datetime.fromtimestamp(time.time(), UTC):{_BEGUN}}"
        return cls(f"{kind}-{began}-{token_hex(2)}", kind, _began=began)

    @classmethod
    def of_day(cls, crm: str, zone: str, now_ms: int) -> Self:
        """Returns a crm's run of the day, as the day is in a zone."""
        day = _day(zone, now_ms // 60_000)
        return cls(f"{RunKind.DAY}-{crm}-{day}", RunKind.DAY, crm, day)

    @staticmethod
    @lru_cache(maxsize=256)  # asked for with each paid call, of few names
    def named(name: str) -> Run:
        """Returns the run of a name, as a record or a journal entry bears it."""
        if name.startswith(f"{RunKind.DAY}-"):
            found = _BY_SCHEDULE.fullmatch(name)
            return Run(name, RunKind.DAY, *found.group("crm", "day")) if found else Run(name, RunKind.DAY)
        found = _BY_PERSON.fullmatch(name)
        kind = _KINDS.get(found["kind"]) if found else None
        return Run(name, kind, _began=found["began"] if found else "")

    @property
    def by_person(self) -> bool:
        """Says whether a person started the run: such a run is followed record by record and may have a cap."""
        return bool(self.name) and self.kind is not RunKind.DAY

    def began(self, zone: str) -> datetime | None:
        """Returns when the run began, in UTC; a day's run with its day in a zone, and ``None`` if no name tells."""
        try:
            if self.kind is RunKind.DAY:
                return datetime.fromisoformat(self.day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            return datetime.strptime(self._began, _BEGUN).replace(tzinfo=UTC)
        except ValueError:
            return None


@lru_cache(maxsize=256)
def _day(zone: str, minute: int) -> str:
    """Returns the day in a zone; asked for with every post that comes in, and the same for all of a minute."""
    return f"{datetime.fromtimestamp(minute * 60, ZoneInfo(zone)):%Y-%m-%d}"
