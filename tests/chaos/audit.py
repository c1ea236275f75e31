"""Checks what must hold at the end of a run, by the vendors' books and beside an undisturbed run."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from config.load import load
from connectors.limits import NoLimiter
from tests.chaos.delivered import Brought
from tests.chaos.people import HIDDEN, HIDDEN_FIELD
from tests.chaos.plan import VENDORS, Plan
from tests.chaos.storm import Row, Run, Told, Undisturbed, Watch, checked
from tests.chaos.yard import FOR_REDIS, OBJECTS, Yard
from tests.e2e.test_undisturbed import WATCHED
from worker.decide.leftovers import closed_fields
from worker.ledger.money.answers import KeptAnswer
from worker.ledger.money.budgets import Totals
from worker.ledger.money.ticket_values import Uncertain
from worker.service.vendors import open_providers

_CALCULATED = ("hs_email_domain",)  # by HubSpot, from what is watched
_ADDRESS = ("email", "Email", *_CALCULATED)
WINDOW_S = 3.0  # what was read longer ago than two seconds is not written on; the rest is the way there
_NEVER = frozenset({"restored", "overrun", "credits"})


@dataclass(slots=True)
class Verdict:
    """Tells how a run ended.

    ``records`` are those before a person replayed the dead letters, ``brought_back`` after it,
    ``money`` is per provider at the end of the storm and when a person has judged by the bill."""

    plan: Plan
    told: Told
    records: int = 0
    brought_back: int = 0
    lost: int = 0
    settled: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    uncertain: int = 0
    by_log: int = 0
    adrift: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    money: dict[str, tuple[Totals, int]] = field(default_factory=dict)
    judged: dict[str, tuple[Totals, int]] = field(default_factory=dict)
    checks: int = 0
    broken: list[str] = field(default_factory=list)
    twice: list[tuple[str, str]] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    overtaken: int = 0
    brought: Brought = field(default_factory=Brought)
    unproved: int = 0
    edited: int = 0
    late: int = 0
    closed: int = 0
    own: int = 0
    nameless: int = 0
    edits: int = 0
    orders: Counter[str] = field(default_factory=Counter)
    orders_killed: int = 0
    ordered: int = 0
    exchanges: int = 0
    faulty: int = 0
    differing: int = 0
    doubtful: int = 0
    spoiled: int = 0
    otherwise: int = 0
    shared: int = 0
    unexplained: dict[Row, str] = field(default_factory=dict)
    toxics: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    last_words: list[str] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Sentences about what does not hold; none is right."""
        found = [f"the bounds broke: {one}" for one in self.broken[:5]]
        found += self.adrift
        found += self.disordered
        found += [f"charged twice: {one}" for one in self.twice[:5]]
        found += [f"overwritten: {one}" for one in self.overwritten[:5]]
        found += self.brought.faults
        found += [f"{self.lost} records lost"] if self.lost else []
        found += ["a dead letter has no reason"] if "" in self.dead else []
        for name, (ours, bill) in self.judged.items():
            if ours.spent != bill or ours.sent or ours.uncertain or ours.reserved:
                found.append(f"{name}: {ours} is not the bill of {bill}")
        found += [f"{row}: {how}" for row, how in list(self.unexplained.items())[:5]]
        found += [f"nothing calls for a pause of {reason}" for reason in sorted(self.paused & _NEVER)]
        ended = [words for words in self.last_words if not any(one in words for one in FOR_REDIS)]
        return found + [f"a worker ended by itself: {words}" for words in ended]


async def carry_out(
    plan: Plan, expected: asyncio.Task[Undisturbed], *, patience_s: float, within_s: float, verdicts: bool = False
) -> Verdict:
    """One storm from its first worker to the verdict; ``expected`` is awaited at its end."""
    watch = Watch()
    yard = await Yard.open(plan, watch, verdicts=verdicts)
    watch.yard = yard
    run = Run.over(plan, yard, watch, patience_s)
    verdict = Verdict(plan, run.told)
    try:
        async with checked(run):
            await run.storm()
            verdict.faulty = sum(1 for name in VENDORS for one in yard.vendors[name].requests() if one["fault"])
            verdict.money = await run.books.totals(yard.ledger.budgets)
            await run.calm(within_s)
            await _judged(run, verdict)
            await run.calm(within_s)
            await _revived(run, verdict, within_s)
        await _compared(run, await expected, verdict)
        verdict.judged = await run.books.totals(yard.ledger.budgets)
    finally:
        run.terminal.stop()
        for slot in yard.slots:
            for proxy in slot.vendors.values():
                verdict.toxics.update(proxy.toxics)
                verdict.exchanges += proxy.exchanges
        for slot in yard.slots:
            verdict.errors.update(slot.errors())
        verdict.ended, verdict.seen, verdict.last_words = yard.ended, watch.seen, yard.last_words
        await yard.close()
    verdict.paused = run.paused
    verdict.checks, verdict.broken = run.books.checks, run.books.broken
    verdict.twice = [one for bill in run.books.bills.values() for one in bill.twice()]
    return verdict


async def _uncertain(run: Run) -> list[Uncertain]:
    found: list[Uncertain] = []
    while page := await run.yard.ledger.desk.uncertain_list(1000, found[-1].cursor if found else ""):
        found += page
    return found


async def _judged(run: Run, verdict: Verdict) -> None:
    """Judges what is uncertain by the bill, as a person would; notes the doubtful records before."""
    ledger = run.yard.ledger
    found = await _uncertain(run)
    by_log = await _by_log(run)
    for name, (ours, _) in (await run.books.totals(ledger.budgets)).items():
        listed = sum(one.price for one in found if one.provider == name)
        if listed != ours.uncertain:
            verdict.adrift.append(f"{name}: {listed} credits are listed as uncertain and {ours.uncertain} booked")
    verdict.uncertain, verdict.by_log = len(found), len(by_log)
    run.doubted |= {one.key for one in found} | by_log
    providers = open_providers(load(run.yard.slots[0].folder / "refill.toml", {}), lambda _: _NoLimit())
    try:
        charged = {
            name: run.books.bills[name].keys(provider.offers({})[0].account) for name, provider in providers.items()
        }
    finally:
        for provider in providers.values():
            await provider.aclose()
    for one in found:
        await ledger.desk.resolve(one.ticket_id, False, charged=one.key in charged[one.provider])


async def _by_log(run: Run) -> set[str]:
    """Questions whose lookup was uncertain until the provider's own log showed the charge: nobody got the answer."""
    redis, names = run.yard.redis, run.yard.ledger.scripts.keys
    found = set()
    async for name in redis.scan_iter(match=names("ticket", "?" * 16), count=1_000):
        state, question = await run.yard.ledger.scripts.call("HMGET", name, "state", "question")
        if state == b"resolved" and question:
            found.add(question.decode())
    return found


class _NoLimit(NoLimiter):
    """Serves providers that are only asked how they name things."""

    async def slot(self, bucket: str, patience_s: float = 0) -> None:
        raise AssertionError


async def _revived(run: Run, verdict: Verdict, within_s: float) -> None:
    """Dead letters are counted with their reasons, and a person replays them now that all is calm."""
    ledger = run.yard.ledger
    for name in await ledger.all_work.works():
        work = ledger.work(*name)
        counts = await work.counts()
        verdict.settled += counts.settled
        for letter in await work.letters.page(100_000):
            verdict.dead[letter.reason] += 1
            await work.replay(letter.id, "chaos")
    verdict.records = verdict.settled + sum(verdict.dead.values())
    await run.calm(within_s)
    verdict.brought_back = await _counted(run)


async def _counted(run: Run) -> int:
    """Counts the records there are once everybody whom a dead letter named has been made."""
    works = [run.yard.ledger.work(*name) for name in await run.yard.ledger.all_work.works()]
    return sum([counts.settled + counts.dead for counts in [await work.counts() for work in works]])


async def _compared(run: Run, expected: Undisturbed, verdict: Verdict) -> None:
    ordered = run.terminal.rows()
    forgotten = ordered - run.terminal.undone  # nothing is remembered of them
    unwanted = run.terminal.unwanted()
    verdict.disordered = [*run.terminal.troubles, *await run.terminal.left()]
    verdict.orders, verdict.orders_killed = run.terminal.done, run.terminal.killed
    verdict.overwritten, verdict.overtaken = _overwritten(run)
    verdict.brought, verdict.unproved = _proved(await run.desk.brought(run.terminal.unwanted()), expected.brought)
    verdict.edits = len(run.people.edited)
    actual, rows = run.desk.named(run.yard.vendors.state())
    unmade = [row for row in expected.rows.keys() - actual.keys() if run.desk.is_about(row, unwanted)]
    verdict.lost = max(0, expected.records - verdict.brought_back - len(forgotten) - len(unmade))
    for row in sorted(expected.rows.keys() | actual.keys()):
        then, now = expected.rows.get(row, {}), actual.get(row, {})
        if then == now:
            continue
        verdict.differing += 1
        asked = await run.yard.asked(rows.get(row, row))
        differing = {name for name in {*then, *now} if then.get(name) != now.get(name)}
        watched = differing.difference(_CALCULATED)
        if rows.get(row, row) in ordered or run.desk.is_about(row, unwanted):
            verdict.ordered += 1
        elif rows.get(row, row) in run.people.edited:
            verdict.edited += 1
        elif run.desk.is_late_row(row, expected.rows.keys() ^ actual.keys()):
            verdict.late += 1
        elif await _is_closed(run, rows.get(row, row), differing):
            verdict.closed += 1
        elif run.desk.is_of_nameless(row, [(then.get(name, ""), now.get(name, "")) for name in watched]):
            verdict.nameless += 1
        elif watched.difference(WATCHED.get(row[:2], ())):
            verdict.unexplained[row] = f"{_values(differing, then, now)}"
        elif run.doubted & {one.key for one in asked}:
            verdict.doubtful += 1
        elif any(one.kept is not None and _is_spoiled(one.kept) for one in asked):
            verdict.spoiled += 1
        elif frozenset(one.key for one in asked) != expected.asked.get(row):
            verdict.otherwise += 1  # what was known of the person when it was decided led to other questions
        elif run.desk.is_their_own(row, [(then.get(name, ""), now.get(name, "")) for name in differing]):
            verdict.own += 1
        elif _is_the_other_rows(row, then, now, expected.rows, actual):
            verdict.shared += 1
        else:
            known = [f"{one.kept.operation if one.kept else one.key[:6]} {one.state or 'kept'}" for one in asked]
            verdict.unexplained[row] = f"{_values(differing, then, now)}, asked {known}"


async def _is_closed(run: Run, row: Row, differing: Collection[str]) -> bool:
    """Tells whether a row lacks only what was hidden when it was visited, and is remembered to be looked at for that.

    A worker reads the schema again ten minutes later, and goes over all rows in sixteen: no storm lasts as long.
    """
    if (row[1], *differing) != (HIDDEN["object"], HIDDEN["field"]):
        return False
    memory = await run.yard.ledger.work(f"acme_{row[0]}", OBJECTS[row[:2]]).memory([row[2]])
    return row[2] in memory and HIDDEN_FIELD in closed_fields(memory[row[2]].left)


def _proved(found: Brought, undisturbed: Brought) -> tuple[Brought, int]:
    """Returns what a storm left out, without whom an undisturbed run has no row for either: no proof holds."""
    missing = [one for one in found.missing if one not in undisturbed.missing]
    return replace(found, missing=missing), len(found.missing) - len(missing)


def _overwritten(run: Run) -> tuple[list[str], int]:
    """Returns what we wrote over a value, and how often somebody typed it too shortly before for us to have seen it."""
    found, overtaken = list[str](), 0
    typed: dict[tuple[str, ...], float] = {}
    for one in run.yard.vendors.writes():
        place = (one["crm"], one["object"], one["id"], one["property"])
        if one["by"] == "person":
            typed[place] = one["mono"]
        elif place[:3] in run.terminal.undone:
            continue  # what a person takes back is written over our own value
        elif one["request"] and one["action"] == "update" and one["before"] not in {None, "", False}:
            if one["mono"] - typed.get(place, float("-inf")) <= WINDOW_S:
                overtaken += 1
            else:
                found.append(" ".join(place))
    return found, overtaken


def _is_the_other_rows(
    row: Row,
    then: Mapping[str, str],
    now: Mapping[str, str],
    expected: Mapping[Row, Mapping[str, str]],
    actual: Mapping[Row, Mapping[str, str]],
) -> bool:
    """Whether all that differs is an address that a CRM takes on one row only, and of two rows the other has it.

    Some people are in the CRM twice. Whichever of their rows is written first gets the address.
    """
    if {**then, **dict.fromkeys(_ADDRESS, "")} != {**now, **dict.fromkeys(_ADDRESS, "")}:
        return False
    name = "email" if row[0] == "hubspot" else "Email"
    address = then.get(name) or now.get(name)
    elsewhere = actual if then.get(name) else expected
    return any(other[:2] == row[:2] and other != row and one.get(name) == address for other, one in elsewhere.items())


def _values(names: Iterable[str], then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Undisturbed and actual, by property."""
    return {name: (then.get(name, ""), now.get(name, "")) for name in sorted(names)}


def _is_spoiled(kept: KeptAnswer) -> bool:
    """Whether a fault spoiled the answer after it was paid for: the bytes are kept, and nobody can read them."""
    try:
        json.loads(kept.reply.body)
    except ValueError:
        return kept.reply.status == 200
    return False
