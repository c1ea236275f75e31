"""Judges a run by the books of the other side: what the vendors charged, wrote and hold. Our state is not asked.

Only two things of ours are looked at, because they are the promise itself: the credits the ledger has booked, and which
lookups it lists as uncertain.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from sandbox.openprospect import OpenProspect
from sandbox.people import Person
from sandbox.truth import plain
from tests.simulation.store import Store, flat
from tests.simulation.wire import Net, Sent
from tests.simulation.world import CREDITS, Scene

if TYPE_CHECKING:
    from tests.simulation.acts import Acts
    from worker.ledger.journal.journal import Entry

PROVIDERS = ("forager", "kaspr")
FRESH_S = 2.0  # a write departs no later than this after the read that it was decided on had departed
DAY_S = 86_400
ECHO_S = 1.0  # a batch under way may hold a row once more


@dataclass(slots=True)
class Auditor:
    """Checks of one run. ``found`` are the breaches, each a sentence."""

    store: Store
    net: Net
    scene: Scene
    budgets: Mapping[str, int]
    found: list[str] = field(default_factory=list)

    def money(self) -> None:
        """Spent <= bill <= spent + sent + uncertain, now; with what is spooled still counted as sent."""
        for name in PROVIDERS:
            booked = flat(self.store.command("HGETALL", f"refill:credits:{name}"))
            spent, sent, doubt = (int(booked.get(key, 0)) for key in ("spent", "sent", "uncertain"))
            bill = self.bill(name)
            if not spent <= bill <= spent + sent + doubt:
                self._breach(f"{name}: spent {spent}, bill {bill}, sent {sent}, uncertain {doubt}")

    def bill(self, name: str) -> int:
        """Returns what a provider has charged."""
        return round(CREDITS - self.net.vendors[name].balance)

    def charges(self) -> None:
        """No question is charged twice, no ticket is used twice, no paid call goes without one."""
        for name in PROVIDERS:
            asked = Counter((one.operation, one.identity) for one in self.net.vendors[name].books.charges)
            for (operation, identity), times in asked.items():
                if times > 1:
                    self._breach(f"{name} {operation} {identity} charged {times} times")
        calls = [one for one in self.net.sent if one.paid]
        if any(not one.ticket for one in calls):
            self._breach("a paid call went without a ticket")
        for ticket, times in Counter(one.ticket for one in calls).items():
            if times > 1:
                self._breach(f"ticket {ticket} was sent {times} times")

    def days(self) -> None:
        """No day costs more than its budget."""
        for name in PROVIDERS:
            spent: Counter[int] = Counter()
            for one in self.net.vendors[name].books.charges:
                spent[int(one.wall // DAY_S)] += round(one.credits)
            for day, credits in spent.items():
                if credits > self.budgets[name]:
                    self._breach(f"{name} charged {credits} on day {day} with a budget of {self.budgets[name]}")

    def _by_request(self, vendor: str) -> dict[int, Sent]:
        """The requests that a vendor took, by the number in its books."""
        return {one.entry.seq: one for one in self.net.sent if one.vendor == vendor and one.entry is not None}

    def writes(self) -> None:
        """Checks that what somebody had there stands, unless it came between our read and our write on it."""
        name = self.scene.vendor
        reads = [one for one in self.net.sent if self.scene.reads(one)]
        by_request = self._by_request(name)
        history = self.net.vendors[name].books.writes
        last: dict[tuple[str, str, str], float] = {}
        held: dict[tuple[str, str, str], Any] = {}  # values of ours
        for one in history:
            place = (one.object, one.id, one.property)
            ours = one.request != 0 and one.by != "person"
            if ours and held.get(place) == one.before:  # our own value is taken back, or back again
                held[place] = one.after
            elif ours and one.action == "update" and one.before not in {None, ""} and one.property:
                sent = by_request[one.request]
                since = last.get(place, 0.0)
                if not self._between(sent, one.id, since, reads):
                    self._breach(f"{one.object} {one.id} {one.property} overwritten at {one.wall - self.began:.1f} s")
            held[place] = one.after if ours else None
            last[place] = one.mono

    def commands(self, acts: Acts) -> None:
        """Commands buy and write nothing; what was taken back stays away, and who was forgotten is left alone."""
        for one in self.net.sent:
            by = one.process
            if by in acts.by and by not in acts.buyers and (one.paid or self.scene.written_by(one)):
                self._breach(f"{one.process.name if one.process else ''} sent {one.route} by itself")
        cleared: dict[tuple[str, str, str], float] = {}
        by_request = self._by_request(self.scene.vendor)
        for write in self.net.vendors[self.scene.vendor].books.writes:
            place = (write.object, write.id, write.property)
            if write.request and write.by != "person" and write.action == "update":
                if write.after in {None, ""}:
                    cleared[place] = write.mono
                elif by_request[write.request].departed > cleared.get(place, inf):  # not one that was long on its way
                    self._breach(f"{write.object} {write.id} {write.property} was written again after its undo")
        for who in acts.erased:
            texts = [re.escape(value) for kind, value in who.handles if kind in {"email", "slug"}]
            names = re.compile(rf"(?<![\w.-])({'|'.join(texts)})(?![\w-])".encode()) if texts else re.compile(rb"(?!)")
            for one in self.net.sent:
                if one.departed > who.at and one.paid and names.search(one.body):
                    self._breach(f"{one.route} was paid for somebody {one.departed - who.at:.1f} s after the erasure")
                if one.departed > who.at and who.ids & self.scene.written_by(one):
                    self._breach(f"{one.route} wrote on somebody {one.departed - who.at:.1f} s after the erasure")
            if who.at < float("inf"):
                for key, text in self.store.dump():
                    if names.search(text):
                        self._breach(f"{key} still names somebody forgotten")

    def plans(self, acts: Acts, journal: Sequence[Entry]) -> None:
        """Checks that a run did what its plan says, on rows that nobody had edited since."""
        for one in journal:
            told = json.loads(one.entry)
            run = told.get("run") if told["kind"] == "change" else one.run
            plan = acts.carried.get(str(run))
            if plan is None or told["kind"] not in {"change", "lookup"}:
                continue
            if told.get("rule") in {"undo", "redo"}:  # an undo that was due when the run took its record over
                continue
            if one.id not in plan.fields:
                self._breach(f"{run} had a {told['kind']} on {one.id}, which its plan has not")
            elif told["kind"] == "lookup":  # perhaps of a day's visit under way when the run took its record over
                continue
            elif one.id in plan.edited:
                self._breach(f"{run} had a change on {one.id}, which somebody edited after the plan")
            elif told["field"] not in plan.fields[one.id]:
                self._breach(f"{run} wrote {told['field']} on {one.id}: its plan has {plan.fields[one.id]}")

    def rereads(self) -> None:
        """Every write of a row is the first one on a fresh read of it, whether or not anybody else touched the row.

        A read serves the batch that asked it and no other: each is decided on what it has read itself.
        """
        seen = [(one.answered, 0, one) for one in self.net.sent if self.scene.reads(one) and one.answered]
        sent = [(one.departed, 1, one) for one in self.net.sent if self.scene.written_by(one)]
        fresh: dict[tuple[object, object, str], Sent] = {}
        for _, is_write, one in sorted(seen + sent, key=lambda step: step[:2]):
            if not is_write and not one.fault:
                fresh |= {(one.process, one.batch, id_): one for id_ in self.scene.told_of(one)}
            for id_ in sorted(self.scene.written_by(one)) if is_write else ():
                read = fresh.pop((one.process, one.batch, id_), None)
                if read is None or one.departed - read.departed > FRESH_S:
                    self._breach(f"{id_} was written at {one.departed - self.began:.1f} s on an old read")

    def kept_back(self, left_alone: Collection[str]) -> list[str]:
        """Lists what the CRM refused for a reason that has ended, and nobody wrote since; some rows are left alone."""
        found = []
        rows = {id_: values for name in self.scene.people for id_, values in self.scene.living(name)}
        for one in self.net.sent:
            if self.scene.written_by(one) and self.scene.passing.search(one.reply):
                for id_, name in sorted(_asked_for(json.loads(one.body))):
                    if id_ in rows and id_ not in left_alone and not rows[id_].get(name):
                        found.append(f"{id_} never got the {name} refused at {one.effect - self.began:.1f} s")
        return found

    @property
    def began(self) -> float:
        return self.net.ports.began

    def _between(self, write: Sent, id_: str, edited: float, reads: list[Sent]) -> bool:
        """Whether the edit came after the read that the write was decided on, and that read was fresh."""
        before = [
            one
            for one in reads
            if (one.process, one.batch) == (write.process, write.batch)
            and 0 < one.answered <= write.departed
            and id_ in self.scene.told_of(one)
        ]
        return bool(before) and before[-1].effect <= edited and write.departed - before[-1].departed <= FRESH_S

    def doubles(self) -> None:
        """Nothing that names one company or one person is there twice."""
        for name, key in self.scene.unique:
            rows: dict[str, list[str]] = defaultdict(list)
            for id_, values in self.scene.living(name):
                if values.get(key):
                    rows[values[key].lower()].append(id_)
            for value, ids in rows.items():
                if len(ids) > 1:
                    self._breach(f"{name} {', '.join(ids)} share {key} {value}")

    def delivered(self, reasons: str) -> None:
        """Every company and person delivered is there once, and together, or a dead letter names them."""
        stock = self.net.vendors["openprospect"]
        assert isinstance(stock, OpenProspect)
        table, name = self.scene.companies
        orders = stock.orders.orders.values()
        for found in [*stock.stock.all_found(), *(one for order in orders for one in order.results)]:
            ids = {id_ for id_, values in self.scene.living(table) if values.get(name) == found.company.name}
            if len(ids) != 1 and found.id not in reasons:
                self._breach(f"company {found.id} is there {len(ids)} times")
            for one in found.prospects:
                rows = [row for kind in self.scene.people for row in self.scene.living(kind)]
                rows = [row for row in rows if _is_about(row[1], one.person) or one.id in row[1].values()]
                if not one.has_last_name or one.person.opted_out or one.id in reasons:
                    continue
                if len(rows) != 1:
                    self._breach(f"prospect {one.id} is there {len(rows)} times")
                elif not self.scene.is_at(*rows[0], ids):
                    self._breach(f"prospect {one.id} is not at the company they were delivered with")

    def echoes(self) -> None:
        """Checks that our own writes start nothing: a row nobody else touched since is not read again.

        One that waits for a provider is: its other gaps are still open.
        """
        rows = [row for name in self.scene.people for row in self.scene.living(name)]
        alone = {id_ for id_, values in rows if not values.get(self.scene.marked)} - self.net.ports.leases.waited
        last: dict[str, tuple[float, bool]] = {}
        for one in self.net.vendors[self.scene.vendor].books.writes:
            if one.object in self.scene.people and one.id in alone:
                last[one.id] = (one.mono, bool(one.request))
        for read in self.net.sent:
            if self.scene.reads(read):
                for id_ in sorted(self.scene.told_of(read)):
                    at, ours = last.get(id_, (0.0, False))
                    if ours and read.departed > at + ECHO_S:
                        self._breach(f"{id_} was read again {read.departed - at:.1f} s after our own write")

    def of_same_people(self, ids: Collection[str]) -> frozenset[str]:
        """Rows of the people whom these are of: what one row's question left open, no other row asks again."""
        names = {
            id_: tuple(str(value).lower() for key, value in values.items() if key.lower() in {"firstname", "lastname"})
            for name in self.scene.people
            for id_, values in self.scene.living(name)
        }
        wanted = {names[id_] for id_ in ids if id_ in names}
        return frozenset(id_ for id_, name in names.items() if name in wanted)

    def outcome(
        self, expected: Mapping[tuple[str, str], Mapping[str, str]], doubtful: frozenset[str], edited: frozenset[str]
    ) -> None:
        """Every row is as an undisturbed run leaves it, but for rows a doubtful lookup or a person touched."""
        mine, theirs = self.scene.state(), expected
        for key in sorted(theirs.keys() - mine.keys()):
            self._breach(f"{key[0]} {key[1]} is missing")
        for key in sorted(mine.keys() - theirs.keys()):
            self._breach(f"{key[0]} {key[1]} is one too many")
        for key in sorted(mine.keys() & theirs.keys()):
            row, wanted = mine[key], theirs[key]
            if row[""] in doubtful or row[""] in edited:
                continue
            names = (row.keys() | wanted.keys()) - {""}
            differs = {one for one in names if row.get(one) != wanted.get(one) and not _has_it(row, wanted.get(one))}
            if differs:
                told = ", ".join(f"{name} {row.get(name)!r} not {wanted.get(name)!r}" for name in sorted(differs))
                self._breach(f"{key[0]} {key[1]}: {told}")
        rows = {id_: values for name in self.scene.people for id_, values in self.scene.living(name)}
        for (id_, name), value in self.scene.typed.items():
            if id_ in rows and rows[id_].get(name) != value and not self._excused(id_, name):
                self._breach(f"{id_} lost the typed {name}")

    def _excused(self, id_: str, name: str) -> bool:
        return any(
            one.id == id_ and one.property == name and one.request and one.before not in {None, ""}
            for one in self.net.vendors[self.scene.vendor].books.writes
        )

    def _breach(self, text: str) -> None:
        if text not in self.found:
            self.found.append(text)


def _has_it(row: Mapping[str, str], value: str | None) -> bool:
    """Whether a number stands on the row under another property: whether it is bought for a second one depends on
    which question others had made the cheaper one."""
    return value is not None and value.startswith("+") and value in row.values()


def _asked_for(body: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(id, property) of every value in a batch; calls of single rows name their row elsewhere, and none here."""
    rows = [*body.get("inputs", ()), *body.get("records", ())]
    return {
        (row["id"], name) for row in rows for name in row.get("properties", row) if name not in {"id", "attributes"}
    }


def _is_about(values: Mapping[str, Any], person: Person) -> bool:
    """Whether a row has somebody's profile or own address."""
    own = {plain(person.slug), plain(person.work_email)}
    return not own.isdisjoint(plain(str(value)) for value in values.values() if value)
