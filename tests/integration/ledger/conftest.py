from __future__ import annotations

import pytest

from worker.ledger.money.budgets import Budgets
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import AllWork, Work


@pytest.fixture
def work(scripts: Scripts) -> Work:
    return Work(scripts, "acme_hubspot", "contact")


@pytest.fixture
def desk(scripts: Scripts) -> Desk:
    return Desk(scripts)


@pytest.fixture
def budgets(scripts: Scripts) -> Budgets:
    return Budgets(scripts)


@pytest.fixture
def other(scripts: Scripts) -> Work:
    return Work(scripts, "acme_salesforce", "lead")


@pytest.fixture
def all_work(scripts: Scripts) -> AllWork:
    return AllWork(scripts)
