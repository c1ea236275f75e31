"""Draws all that goes wrong in one run from its seed, before anything starts: equal arguments draw an equal plan."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

SIDES = ("before", "between", "after")
"""Before the other side hears of it; when that has acted and we have not been told; when we have been told."""
LEDGER = (
    "work_claim", "answer_find", "ticket_reserve", "ticket_sent", "ticket_store", "work_intend", "work_settle",
    "ticket_uncertain", "ticket_release", "work_add", "work_defer", "work_wait", "work_again", "deliveries_store",
    "creation_claim", "creation_sent", "creation_end", "deliveries_settled",
)  # fmt: skip
COMMON = LEDGER[:7]
"""Every visit comes by these; the others are only counted."""
PAID = ("forager.paid", "kaspr.paid")
CALLS = (*PAID, "hubspot.read", "hubspot.write", "salesforce.read", "salesforce.write")
BROUGHT = (*LEDGER[-5:], "hubspot.create", "hubspot.link", "salesforce.create")
"""A delivery comes by these."""
VENDORS = ("forager", "kaspr", "hubspot", "salesforce", "openprospect")
SLOTS = (0, 1)
LONG_S = 95.0

Rules: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Step:
    """The ``nth`` time from now on that a worker comes to this point of a visit."""

    name: str
    side: str
    nth: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a process. ``amount`` is seconds, or where in the unacknowledged bytes to cut.

    ``kill`` and ``stop`` strike the worker that comes to ``step``, or the one of ``slot`` when none does; ``lapse``
    says that all leases and tickets end before anybody looks again. ``restart``, ``cut``, ``full`` and ``readonly``
    strike Redis, ``down`` a vendor, ``expire`` ends all its access tokens, ``repeat`` tells of some records ten times,
    late and in disorder. ``arrive`` delivers companies with their people, ``lock`` puts rows into approvals and ends
    those of others, ``rule`` sets rules in both CRMs or ends them, ``hide`` takes a field from us for a while.
    ``plan``, ``undo`` and ``forget`` are orders at a terminal, whose first process is killed after ``amount``.
    """

    kind: str
    slot: int = 0
    step: Step | None = None
    amount: float = 0.0
    lapse: bool = False
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class Toxic:
    """Holds what happens to one exchange on the wire. ``amount`` is seconds, bytes, or bytes a second."""

    kind: str
    amount: float


@dataclass(frozen=True, slots=True)
class Storm:
    """Says how much is drawn. ``faults`` is the share of exchanges that go wrong, in percent."""

    seed: int = 1
    faults: int = 5
    records: int = 300
    kills: int = 200
    open_kills: int = 60
    restarts: int = 20
    cuts: int = 20
    stops: int = 6
    long_stops: int = 1
    """Of 95 s, in which leases and tickets end by themselves."""
    fulls: int = 3
    readonlys: int = 3
    downs: int = 3
    expiries: int = 3
    repeats: int = 3
    arrivals: int = 12
    """Deliveries while the storm goes on; more are there when it begins."""
    edits: int = 400
    """Blanks that people fill on rows while these are visited."""
    locks: int = 8
    rules: int = 8
    hides: int = 3
    plans: int = 2
    """Orders at a terminal: a plan that is saved and followed, a record taken back, a person forgotten."""
    undos: int = 3
    forgets: int = 2
    hang_s: float = 20.0
    pace: str = ""
    """What the paid providers are asked at most, such as ``10/second``; their own limits when empty."""
    mistakes: str = "friendly"
    """How much of the world is mistaken; a level of ``sandbox.mistakes``."""
    clock_s: float = 0.0
    """How far all vendors' clocks are ahead of ours."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The drawn plan. ``rules`` are the sandbox's, by vendor."""

    storm: Storm
    events: tuple[Event, ...]
    rules: Rules = field(repr=False)

    @property
    def digest(self) -> str:
        """Twelve hex digits that differ when anything drawn differs."""
        tried = [self.toxic(name, slot, number) for name in VENDORS for slot in SLOTS for number in range(200)]
        return hashlib.sha256(repr((self.storm, self.events, self.rules, tried)).encode()).hexdigest()[:12]

    def toxic(self, vendor: str, slot: int, exchange: int) -> Toxic | None:
        """Returns what happens to a worker's ``exchange``-th request to a vendor."""
        chance = random.Random(f"{self.storm.seed}/{self.storm.faults}/{vendor}/{slot}/{exchange}")
        if chance.random() * 100 >= self.storm.faults / 2:  # the other half is the sandbox's
            return None
        return _toxic(chance, self.storm.hang_s)

    def told(self) -> str:
        """The plan in one line."""
        kinds = Counter(event.kind for event in self.events)
        opened = sum(event.kind == "kill" and event.step is not None and event.step.name in PAID
                     and event.step.side == "between" for event in self.events)  # fmt: skip
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        return (
            f"plan {self.digest}: seed {self.storm.seed}, faults {self.storm.faults} %, {counts} ({opened} kills open)"
        )


def draw(storm: Storm) -> Plan:
    """The plan of a run."""
    chance = random.Random(f"{storm.seed}/{storm.faults}/events")
    reach = max(2, min(40, storm.records // (2 * max(1, storm.kills + storm.stops))))
    events = [_kill(chance, _paid_open(chance, reach)) for _ in range(storm.open_kills)]
    events += [_kill(chance, _anywhere(chance, reach)) for _ in range(storm.kills - storm.open_kills)]
    events += [
        Event("stop", chance.choice(SLOTS), _stopped(chance, reach), round(chance.uniform(0.2, 1.0), 2), lapse=True)
        for _ in range(storm.stops)
    ]
    events += [Event("restart", amount=round(chance.uniform(0.0, 1.5), 2)) for _ in range(storm.restarts)]
    events += [Event("cut", amount=round(chance.random(), 3)) for _ in range(storm.cuts)]
    events += [Event("stop", chance.choice(SLOTS), _stopped(chance, reach), LONG_S) for _ in range(storm.long_stops)]
    events += [Event("readonly", amount=round(chance.uniform(0.3, 1.2), 2)) for _ in range(storm.readonlys)]
    events += [Event("full", amount=round(chance.uniform(0.3, 1.2), 2)) for _ in range(storm.fulls)]
    events += [
        Event("down", amount=round(chance.uniform(0.5, 2.0), 2), vendor=chance.choice(VENDORS))
        for _ in range(storm.downs)
    ]
    events += [Event("expire", vendor="salesforce")] * storm.expiries
    events += [Event("repeat", amount=round(chance.random(), 3))] * storm.repeats
    events += [Event("arrive")] * storm.arrivals
    events += [Event("lock", amount=round(chance.random(), 3)) for _ in range(storm.locks)]
    events += [Event("rule", amount=round(chance.random(), 3)) for _ in range(storm.rules)]
    events += [Event("hide", amount=round(chance.uniform(0.3, 1.2), 2)) for _ in range(storm.hides)]
    orders = {"plan": storm.plans, "undo": storm.undos, "forget": storm.forgets}
    events += [
        Event(kind, chance.choice(SLOTS), amount=round(chance.uniform(0.5, 4.0), 2))
        for kind, count in orders.items()
        for _ in range(count)
    ]
    chance.shuffle(events)
    return Plan(storm, tuple(events), _rules(storm))


def _kill(chance: random.Random, step: Step) -> Event:
    return Event("kill", chance.choice(SLOTS), step, lapse=chance.random() < 0.5)


def _paid_open(chance: random.Random, reach: int) -> Step:
    return Step(chance.choice(PAID), "between", chance.randint(1, reach))


def _anywhere(chance: random.Random, reach: int) -> Step:
    name = chance.choice((*COMMON, *CALLS, *BROUGHT))
    rare = name.endswith((".read", ".write")) or name == "work_claim" or name in BROUGHT
    return Step(name, chance.choice(SIDES), chance.randint(1, 2 if rare else reach))


def _stopped(chance: random.Random, reach: int) -> Step:
    name = chance.choice((*PAID, "ticket_sent", "ticket_store", "work_intend", "hubspot.write", "salesforce.write"))
    return Step(name, chance.choice(SIDES[:2]), chance.randint(1, reach if name in PAID else 2))


def _toxic(chance: random.Random, hang_s: float) -> Toxic:
    """Each kind as often as any other."""
    match chance.randrange(8):
        case 0:
            return Toxic("latency", round(chance.uniform(0.05, 0.8), 3))
        case 1:
            return Toxic("bandwidth", chance.choice((2_000, 8_000, 32_000)))
        case 2:
            return Toxic("slicer", chance.randint(1, 60))
        case 3:
            return Toxic("reset_before", 0)
        case 4:
            return Toxic("reset_after", 0)
        case 5:
            return Toxic("cut", chance.randint(1, 400))
        case 6:
            return Toxic("cut_reset", chance.randint(1, 400))
        case _:
            return Toxic("hang", round(chance.uniform(0.2, 1.0) * hang_s, 2))


_STATUS: tuple[Mapping[str, Any], ...] = (
    {"kind": "status", "params": {"status": 429, "headers": {"Retry-After": "1"}}},
    {"kind": "status", "params": {"status": 429, "headers": {"Retry-After": "Fri, 20 Nov 2026 09:00:00 GMT"}}},
    {"kind": "status", "params": {"status": 429}},
    {"kind": "status", "params": {"status": 500, "body": {"error": "internal"}}},
    {"kind": "status", "params": {"status": 500}, "effect": True},
    {"kind": "status", "params": {"status": 502, "body": "<html>bad gateway</html>", "content_type": "text/html"}},
    {"kind": "status", "params": {"status": 503, "headers": {"Retry-After": "1"}}},
    {"kind": "status", "params": {"status": 504}, "effect": True},
)
_SPOILT = (
    "close", "reset", "cut_body", "reset_mid_body", "truncated_json", "garbled_status", "html", "content_type",
    "gzip_bomb",
)  # fmt: skip


def _rules(storm: Storm) -> Rules:
    """Each kind strikes its even part of the sandbox's half, drawn by a seed of its own."""
    kinds: list[Mapping[str, Any]] = [*_STATUS, *({"kind": kind} for kind in _SPOILT)]
    share = storm.faults / 100 / 2 / len(kinds)
    rules: dict[str, list[Mapping[str, Any]]] = {}
    for vendor in VENDORS:
        left = 1.0
        rules[vendor] = []
        for number, kind in enumerate(kinds):  # a rule sees only what those before it left alone
            seed = random.Random(f"{storm.seed}/{storm.faults}/{vendor}/{number}").randrange(1 << 30)
            rules[vendor].append({**kind, "times": None, "probability": share / left, "seed": seed})
            left -= share
    return rules
