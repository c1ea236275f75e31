"""Opens the whole ledger over one Redis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from worker.ledger.intake.accounts import Users
from worker.ledger.intake.deliveries import Deliveries
from worker.ledger.intake.intake import Intake
from worker.ledger.journal.erasures import Erasures
from worker.ledger.journal.figures import Figures
from worker.ledger.journal.journal import Journal
from worker.ledger.journal.signals import Signals
from worker.ledger.money.books import Books
from worker.ledger.money.budgets import Budgets
from worker.ledger.money.creations import Creations
from worker.ledger.money.handle_lists import BadList
from worker.ledger.money.rollback_guard import HighWater, RollbackGuard
from worker.ledger.money.tickets import Desk
from worker.ledger.rates.calls import VendorCalls
from worker.ledger.rates.clocks import Clocks
from worker.ledger.rates.cursors import Cursors
from worker.ledger.rates.pauses import Pauses
from worker.ledger.rates.timetable import Timetable
from worker.ledger.redis_memory import RedisMemory
from worker.ledger.scripts import Scripts
from worker.ledger.work.planned import Planned
from worker.ledger.work.work import AllWork, Work


@dataclass(slots=True)
class Ledger:
    """Holds every part of the ledger over one Redis."""

    scripts: Scripts
    desk: Desk
    budgets: Budgets
    pauses: Pauses
    all_work: AllWork
    journal: Journal
    cursors: Cursors
    timetable: Timetable
    deliveries: Deliveries
    creations: Creations
    figures: Figures
    books: Books
    rollback_guard: RollbackGuard
    intake: Intake
    signals: Signals
    erasures: Erasures
    redis_memory: RedisMemory
    users: Users
    clocks: Clocks
    planned: Planned
    calls: VendorCalls
    bad: BadList

    @classmethod
    def over(cls, redis: Redis, data_dir: Path | None = None) -> Ledger:
        """Returns the ledger kept in ``redis``; the highest state seen of it is remembered in ``data_dir`` too."""
        scripts, high_water = Scripts(redis), HighWater(data_dir)
        return cls(
            scripts,
            Desk(scripts, high_water=high_water),
            Budgets(scripts),
            Pauses(scripts),
            AllWork(scripts),
            Journal(scripts),
            Cursors(scripts),
            Timetable(scripts),
            Deliveries(scripts),
            Creations(scripts),
            Figures(scripts),
            Books(scripts),
            RollbackGuard(scripts, high_water),
            Intake(scripts),
            Signals(scripts),
            Erasures(scripts),
            RedisMemory(scripts, Cursors(scripts)),
            Users(scripts),
            Clocks(scripts),
            Planned(scripts),
            VendorCalls(scripts),
            BadList(scripts),
        )

    def work(self, crm: str, object: str) -> Work:
        """Returns the work of one (crm, object)."""
        return Work(self.scripts, crm, object)
