"""Lists the scenarios: their worlds, and the contenders on each in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import growth
import kills
import live
import refill
import sharing
import storm
import workers
from running import Contender
from worlds import World

LATENCY = {"latency": "0.12,0.45"}
LIMITS = {"hubspot": "190/10", "search": "5/1"}
DAY_S = 90  # a day of S4
ALL = ("floor", "refill", "hubspot_sdk", "dlt_loop", "arq_jobs", "celery_tasks")
Single = Callable[[int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Describes a scenario. `base` is the contender that the others are compared with, and whose CPU judges a round."""

    title: str
    records: int
    contenders: tuple[Contender, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    vendors: tuple[str, ...] = ()
    base: str = "floor"
    single: Single | None = None
    """Runs once, in its own way, and returns its figures."""

    def world(self, records: int) -> World:
        return World(records, self.options, self.vendors)


SCENARIOS = {
    "S1": Scenario(
        "no latency, the sandbox's people: 0.6 lookups a record, refused writes, wrong profiles", 2000,
        (Contender("refill", more={"full": True}), Contender("floor")), vendors=("forager", "hubspot"),
    ),
    "S1-half": Scenario(
        "no latency, 0.49 lookups a record: half of the records lack the value, all are walked over", 5000,
        (Contender("refill", more={"full": True}), Contender("floor")), {"blank": 0.49},
    ),
    "S1-one": Scenario(
        "no latency, one lookup a record", 2000, tuple(Contender(name) for name in ALL),
    ),
    "S1-salesforce": Scenario(
        "no latency, Salesforce, the sandbox's people", 2000, (Contender("refill"), Contender("salesforce_loop")),
        vendors=("forager", "salesforce"), base="salesforce_loop",
    ),
    "S2": Scenario(
        "lognormal latencies, medians 120 ms (CRM) and 450 ms (provider), one lookup a record", 2000,
        (
            Contender("floor", more={"flight": 200}), Contender("refill"), Contender("arq_jobs", 500, {"jobs": 100}),
            Contender("celery_tasks", 60, {"pool": 4}), Contender("hubspot_sdk", 40), Contender("dlt_loop", 40),
        ), LATENCY,
    ),
    "S3": Scenario(
        "HubSpot's published limits (190 in 10 s, 5 searches a second), one lookup a record", 2000,
        (
            Contender("refill", more={"portal_rate": refill.PUBLISHED}), Contender("hubspot_sdk"),
            Contender("dlt_loop"), Contender("arq_jobs", 300),
            Contender("celery_tasks", 200),
        ), LIMITS, base="",
    ),
    "S4": Scenario(
        f"Kaspr's 500 a day on a clock of {DAY_S} s a day, 30 % of the records about people seen before", 1100,
        (Contender("refill", more={"gap": "mobilephone", "rate": f"500/{DAY_S} seconds", "patience": 2 * DAY_S}),),
        {"twins": 0.3, "gap": "mobilephone", "provider": f"500/{DAY_S}"}, base="",
    ),
    "S5": Scenario("webhooks alone, then a storm of them, within S3's limits", 1000, base="", single=storm.measured),
    "S6": Scenario("SIGKILL every 2 s", 1000, base="", single=kills.measured),
    "S7": Scenario("growth, every record takes a lookup", 10_000, base="", single=growth.dense),
    "S7-sparse": Scenario("growth, one record in fifty takes a lookup", 1_000_000, base="", single=growth.sparse),
    "S7-walk": Scenario("growth, every record walked over, one in fifty filled", 10_000, base="", single=growth.walk),
    "S8": Scenario("two crms on one provider key of 50 calls a second", 600, base="", single=sharing.measured),
    "S9": Scenario("one, two and four workers, a provider at 1.8 s", 4000, base="", single=workers.measured),
    "S10": Scenario(
        "single records announced during a backfill, within HubSpot's limits", 1_000_000, base="", single=live.measured
    ),
}  # fmt: skip
