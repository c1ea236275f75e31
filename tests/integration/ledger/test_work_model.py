"""Any sequence of steps by two workers, lost leases and repeats among them, leaves the work as a small model says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.harness.clock import Clock
from tests.harness.examples import examples
from tests.harness.redis import Operated
from tests.integration.ledger.work_steps import READ, places, queued
from worker.ledger.scripts import Scripts
from worker.ledger.work.all_work import ReapedLeases
from worker.ledger.work.work import LEASE_MS, AllWork, Due, Lane, LastRead, Lease, StepEnd, VisitProgress, Work

T = TypeVar("T")
IDS = ["1", "2", "3", "4"]
STAMPS = st.sampled_from([0, READ.stamp - 1, READ.stamp, READ.stamp + 1])
PROVIDERS = st.sampled_from([("kaspr",), ("forager",), ("kaspr", "forager")])


@dataclass
class One:
    """Holds what the model knows of one record."""

    state: str = "settled"  # never seen, settled or gone: not in the work
    lane: Lane = Lane.LIVE
    at: int = 0
    token: str = ""
    owner: str = ""
    alone: bool = False
    revisit: str = ""
    woken: bool = False
    attempts: int = 0
    crashes: int = 0
    intents: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    latest: int | None = None
    remembered: bool = False
    seen_to: int = READ.stamp  # of changes: what stands in the memory

    def go(self, state: str, at: int = 0) -> None:
        self.intents += tuple(text for text in self.late if text not in self.intents)
        self.state, self.at, self.token, self.owner, self.alone = state, at, "", "", False
        self.revisit, self.woken, self.late, self.lacks, self.latest = "", False, (), (), None

    def place(self) -> list[str]:
        lane = "alone" if self.state == "due" and self.crashes >= 3 else self.lane
        return {"settled": [], "dead": ["dead"]}.get(self.state, [f"{self.state}:{lane}"])

    def look(self, now: int, lane: Lane, revisit: str) -> None:
        """It is to be looked at: ``revisit`` is ``!`` when forced, ``s`` when a read has seen it, else ``*``."""
        seen = self.state == "waiting" or (self.state == "settled" and self.remembered)
        if self.state == "dead" or (seen and revisit == "s"):
            return
        if self.state == "settled":
            self.lane, self.attempts, self.crashes, self.intents = lane, 0, 0, ()
        elif lane is Lane.LIVE:
            self.lane = lane
        if self.state == "leased":
            self.revisit = max(self.revisit, revisit, key=["", "s", "*", "!"].index)
        elif self.state != "due" or revisit == "!":
            self.go("due", now)


class Works(RuleBasedStateMachine):
    """One object's work, driven by two owners who also try what they have no right to any more."""

    path: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.redis = Operated(self.path)
        self.scripts = Scripts(self.redis, clock=self.clock)
        self.work, self.all_work = Work(self.scripts, "acme", "contact"), AllWork(self.scripts)
        self.model = {name: One() for name in IDS}
        self.leases: list[Lease] = []
        self.answers: dict[tuple[str, str], StepEnd] = {}
        self.run(self.redis.flushall())

    def run(self, step: Awaitable[T]) -> T:
        async def one() -> T:
            return await step

        return self.runner.run(one())

    def teardown(self) -> None:
        self.run(self.redis.aclose())
        self.runner.close()

    def ended(self, lease: Lease, step: str, ending: StepEnd, expected: StepEnd) -> bool:
        """Whether the step took place; one without right to it gives what it gave before, or ``LOST``."""
        if self.model[lease.id].token != lease.token:
            assert ending is self.answers.get((lease.token, step), StepEnd.LOST)
            return False
        assert ending is expected
        self.answers[lease.token, step] = ending
        return True

    @rule(
        name=st.sampled_from(IDS),
        lane=st.sampled_from(Lane),
        stamp=STAMPS,
        forced=st.sampled_from([False, False, True]),
    )
    def add(self, name: str, lane: Lane, stamp: int, forced: bool) -> None:
        self.run(self.work.add([Due(name, stamp)], lane=lane, run="sync-1", forced=forced))
        one = self.model[name]
        seen_to = one.seen_to if one.state == "settled" else READ.stamp
        one.look(self.clock.now, lane, "!" if forced else "s" if 0 < stamp <= seen_to else "*")

    @rule(owner=st.sampled_from(["worker-1", "worker-2"]), holding=st.sampled_from([0, 0, 1]))
    def claim(self, owner: str, holding: int) -> None:
        found = self.run(self.work.claim(owner, 1, holding=holding))
        ready = [one for one in self.model.values() if one.state == "due" and one.at <= self.clock.now]
        alone = [one for one in ready if one.crashes >= 3 and holding == 0]
        choice = alone or [one for one in ready if one.crashes < 3 and one.lane is Lane.LIVE]
        choice = choice or [one for one in ready if one.crashes < 3]
        if any(one.alone and one.owner == owner for one in self.model.values()):
            choice = []
        assert len(found) == bool(choice)
        for lease in found:
            one = self.model[lease.id]
            assert (one in choice, one.at) == (True, min(each.at for each in choice))
            assert (lease.attempts, lease.crashes, lease.intents) == (one.attempts, one.crashes, one.intents)
            one.state, one.at, one.token, one.owner = "leased", self.clock.now + LEASE_MS, lease.token, owner
            one.alone = one.crashes >= 3
            self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), gone=st.sampled_from([False, False, True]))
    def settle(self, data: st.DataObject, gone: bool) -> None:
        lease = data.draw(st.sampled_from(self.leases[-6:]))
        one = self.model[lease.id]
        woken = one.woken and not gone  # by word of a lookup that the visit may have taken for a miss
        again = bool(one.late or woken or one.revisit in ({"s", "*", "!"} if gone else {"*", "!"}))
        ending = self.run(self.work.gone(lease) if gone else self.work.settle(lease, READ))
        if self.ended(lease, "gone" if gone else "settle", ending, StepEnd.AGAIN if again else StepEnd.DONE):
            one.attempts, one.crashes, one.intents = 0, 0, ()
            one.remembered, one.seen_to = not gone, READ.stamp
            one.go("due" if again else "settled", self.clock.now)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), after=st.sampled_from([0, 30_000]), left=st.sampled_from([None, 0, 1]))
    def defer(self, data: st.DataObject, after: int, left: int | None) -> None:
        lease = data.draw(st.sampled_from(self.leases[-6:]))
        one = self.model[lease.id]
        at_once = one.woken or one.revisit == "!"
        open_ = None if left is None else one.intents[:left]
        ending = self.run(self.work.defer(lease, self.clock.now + after, "x", VisitProgress(open_intents=open_)))
        if self.ended(lease, "defer", ending, StepEnd.AGAIN if at_once else StepEnd.DONE):
            one.crashes, one.intents = 0 if one.alone else one.crashes, one.intents if open_ is None else open_
            one.go("due", self.clock.now + (0 if at_once else after))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), providers=PROVIDERS, patience=st.sampled_from([None, 20_000]))
    def wait(self, data: st.DataObject, providers: tuple[str, ...], patience: int | None) -> None:
        lease = data.draw(st.sampled_from(self.leases[-6:]))
        one, latest = self.model[lease.id], None if patience is None else self.clock.now + patience
        at_once = one.woken or one.revisit in {"*", "!"}
        ending = self.run(
            self.work.wait(lease, providers, latest, "x", seen=LastRead(stamp=READ.stamp, read_at=READ.read_at))
        )
        if self.ended(lease, "wait", ending, StepEnd.AGAIN if at_once else StepEnd.DONE):
            one.crashes = 0 if one.alone else one.crashes
            one.go("due" if at_once else "waiting", self.clock.now)
            one.lacks, one.latest = ((), None) if at_once else (providers, latest)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases[-6:]))
        one = self.model[lease.id]
        buried, at_once = one.attempts == 7, one.revisit == "!"
        ending = self.run(self.work.again(lease, "x", 1_000))
        expected = StepEnd.BURIED if buried else StepEnd.AGAIN if at_once else StepEnd.DONE
        if self.ended(lease, "again", ending, expected):
            one.attempts, one.crashes = one.attempts + 1, 0 if one.alone else one.crashes
            one.go("dead" if buried else "due", self.clock.now + (0 if at_once else 1_000))

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def bury(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases[-6:]))
        if self.ended(lease, "bury", self.run(self.work.bury(lease, "x")), StepEnd.BURIED):
            self.model[lease.id].go("dead")

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), text=st.sampled_from(["a", "b"]))
    def intend(self, data: st.DataObject, text: str) -> None:
        lease = data.draw(st.sampled_from(self.leases[-6:]))
        one = self.model[lease.id]
        assert self.run(self.work.intend(lease, [text])) is (one.token == lease.token)
        if one.token == lease.token and text not in one.intents:
            one.intents += (text,)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), name=st.sampled_from(IDS))
    def move(self, data: st.DataObject, name: str) -> None:
        lease = data.draw(st.sampled_from(self.leases[-6:]))
        if lease.id == name:
            return
        one, survivor = self.model[lease.id], self.model[name]
        if not self.ended(lease, "move", self.run(self.work.move(lease, name, "contact")), StepEnd.DONE):
            return
        if survivor.state == "leased":
            survivor.late += tuple(text for text in (*one.intents, *one.late) if text not in survivor.late)
            survivor.look(self.clock.now, one.lane, "*")
        else:
            due = survivor.state != "dead"
            survivor.look(self.clock.now, one.lane, "*")
            survivor.late = one.intents + one.late
            survivor.go("due" if due else "dead", self.clock.now)
        one.intents, one.late, one.remembered = (), (), False
        one.go("settled")

    @rule(name=st.sampled_from(IDS))
    def replay(self, name: str) -> None:
        self.run(self.work.replay(name, "replay-1"))
        one = self.model[name]
        if one.state == "leased":
            one.revisit = "!"
            return
        one.intents = () if one.state == "settled" else one.intents
        one.lane, one.attempts, one.crashes = Lane.LIVE, 0, 0
        one.go("due", self.clock.now)

    @rule(name=st.sampled_from(IDS))
    def drop(self, name: str) -> None:
        one = self.model[name]
        assert self.run(self.work.letters.drop(name)) is (one.state == "dead")
        if one.state == "dead":
            one.remembered, one.seen_to = True, self.clock.now  # nothing older than the drop brings it back
            one.go("settled")

    @rule(name=st.sampled_from(IDS))
    def wake(self, name: str) -> None:
        one = self.model[name]
        told = one.state == "settled" and one.remembered  # of a lookup it had taken for a miss
        wakes = told or one.state in {"leased", "waiting"} or (one.state == "due" and one.at > self.clock.now)
        assert self.run(self.all_work.wake([("acme", "contact", name)])) == wakes
        if one.state == "leased":
            one.woken = True
        elif told:
            one.intents, one.lane, one.attempts, one.crashes = (), Lane.LIVE, 0, 0
            one.go("due", self.clock.now)
        elif wakes:
            one.go("due", self.clock.now)

    @rule(provider=st.sampled_from(["kaspr", "forager"]), count=st.integers(0, 2))
    def admit(self, provider: str, count: int) -> None:
        waiting = [one for one in self.model.values() if one.state == "waiting"]
        over = [one for one in waiting if one.latest is not None and one.latest <= self.clock.now]
        queue = [one for one in waiting if provider in one.lacks and one not in over]
        admitted = self.run(self.all_work.admit(provider, count, at_once=True))
        assert admitted == len(over) + min(count, len(queue))
        for one in over:
            one.go("due", self.clock.now)
        left = sorted(queue, key=lambda one: one.lane is Lane.BACKFILL)[:count]
        for name, one in self.model.items():
            if one in queue and not self.run(places(self.redis, self.work, name))[0].startswith("waiting"):
                assert one.lane in {each.lane for each in left}
                one.go("due", self.clock.now)

    @rule(ms=st.sampled_from([1, 1_000, 30_000, LEASE_MS]))
    def time_passes(self, ms: int) -> None:
        self.clock.pass_ms(ms)

    @rule()
    def reap(self) -> None:
        ended = [one for one in self.model.values() if one.state == "leased" and one.at <= self.clock.now]
        buried = sum(one.alone for one in ended)
        assert self.run(self.all_work.reap()) == ReapedLeases(len(ended) - buried, buried)
        for one in ended:
            one.crashes += 1
            one.go("dead" if one.alone else "due", self.clock.now)

    @precondition(lambda self: self.leases)
    @rule(owner=st.sampled_from(["worker-1", "worker-2"]))
    def extend(self, owner: str) -> None:
        tokens = [lease.token for lease in self.leases[-6:]]
        held = {one.token: one for one in self.model.values() if one.token and one.owner == owner}
        assert set(self.run(self.all_work.extend(owner, tokens))) == {token for token in tokens if token not in held}
        for token in set(tokens) & set(held):
            held[token].at = self.clock.now + LEASE_MS

    @invariant()
    def every_record_is_in_exactly_one_place(self) -> None:
        async def found() -> dict[str, list[str]]:
            return {name: await places(self.redis, self.work, name) for name in IDS}

        assert self.run(found()) == {name: one.place() for name, one in self.model.items()}

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        counts = self.run(self.work.counts())
        for state in ("due", "leased", "waiting", "dead"):
            assert getattr(counts, state) == sum(one.state == state for one in self.model.values()), state
        assert counts.settled == sum(one.state == "settled" and one.remembered for one in self.model.values())
        open_states = {"due", "leased", "waiting"}
        backfill = [one for one in self.model.values() if one.lane is Lane.BACKFILL and one.state in open_states]
        assert self.run(self.work.room()) == 10_000 - sum(one.place() != ["due:alone"] for one in backfill)

    @invariant()
    def queues_hold_who_lacks_their_provider(self) -> None:
        for provider in ("kaspr", "forager"):
            lacking = sum(provider in one.lacks for one in self.model.values())
            assert self.run(queued(self.scripts, provider)) == lacking

    @invariant()
    def nothing_is_kept_of_a_record_outside_the_work(self) -> None:
        kept = self.run(self.redis.keys("refill:work:acme:contact:record:*"))
        assert len(kept) == sum(one.state != "settled" for one in self.model.values())


@pytest.mark.model
def test_work_does_what_the_model_says(redis_socket: Path) -> None:
    class Here(Works):
        path = redis_socket

    run_state_machine_as_test(Here, settings=examples(50, steps=40))
