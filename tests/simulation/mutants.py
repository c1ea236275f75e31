"""Plants bugs: named variants of one function, table or script of the product, switched on in the simulation's process.

Nothing of them stands in the product. A variant calls the true function where it can. The product is imported by a
variant that is planted and not here: time and chance have to be in place before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

MUTANTS: list[Mutant] = []


class VariantError(Exception):
    """Says that what a variant replaces is not there: the product has changed, and the mutant must follow."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """Holds a planted bug. ``seed`` is one that caught it. ``only`` narrows the cases drawn to those in which it shows.

    ``salesforce``: it is caught in the worlds whose CRM is Salesforce. ``plant`` switches it on, for good.
    """

    name: str
    seed: int
    plant: Callable[[], None]
    only: str = ""
    salesforce: bool = False


def named(name: str) -> Mutant:
    """Returns the mutant of that name."""
    return next(mutant for mutant in MUTANTS if mutant.name == name)


def _mutant(
    name: str, seed: int, only: str = "", *, salesforce: bool = False
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers what plants a bug."""

    def registered(plant: Callable[[], None]) -> Callable[[], None]:
        MUTANTS.append(Mutant(name, seed, plant, only, salesforce))
        return plant

    return registered


def _replace(place: str, variant: Callable[..., Any] | object) -> None:
    """Puts ``variant`` where the product has ``place`` (``module:name`` or ``module:class.name``).

    A function gets the true one as its first argument.
    """
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    if name not in vars(owner):
        raise VariantError(place)
    true = vars(owner)[name]
    if not callable(true):
        setattr(owner, name, variant)
        return
    assert callable(variant)

    def planted(*args: Any, **named: Any) -> Any:
        return variant(true, *args, **named)

    setattr(owner, name, planted)


def _replace_entry(place: str, key: str, value: object) -> None:
    """Puts another value into a table of the product."""
    module, _, name = place.partition(":")
    table: dict[str, object] = getattr(importlib.import_module(module), name)
    if key not in table:
        raise VariantError(f"{place}[{key}]")
    table[key] = value


def _lua(script: str, function: str, code: str, *, part: str = "") -> None:
    """Defines ``function`` of Lua anew for one script, before its body, or for every script that needs ``part``."""
    from worker.ledger import scripts

    if f"function {function}(" not in scripts.source(script):
        raise VariantError(f"{function} of {script}")
    found = scripts._found

    def planted(name: str) -> str:
        text = found(name)
        if name == f"parts/{part}":
            return f"{text}\n{code}"
        return f"{code}\n{text}" if name == script and not part else text

    scripts._found = planted
    scripts.source.cache_clear()


# ---- tickets and budgets ---------------------------------------------------------------------------------------------

_RELEASED_AT_THE_DEADLINE = """
local true_doubt = doubt
local function doubt(id, ticket, cause)
  if cause == 'deadline' then
    return release(id, ticket, cause)
  end
  return true_doubt(id, ticket, cause)
end
"""


@_mutant("a lease in place of a ticket: past its deadline a sent one is free again", 1, "crashes")
def _lease_in_place_of_a_ticket() -> None:
    for script in ("ticket_reserve", "ticket_reap"):
        _lua(script, "doubt", _RELEASED_AT_THE_DEADLINE)


@_mutant("what was sent is forgotten after a minute", 1, "crashes")
def _sent_is_forgotten() -> None:
    async def sent(true: Any, desk: Any, ticket: Any, asked: Any) -> Any:
        departure = await true(desk, ticket, asked)
        await desk._scripts.call("PEXPIRE", desk._scripts.keys("ticket", ticket.ticket_id), 60_000)
        return departure

    _replace("worker.ledger.money.tickets:Desk.sent_within", sent)


@_mutant("the budget is looked at before the script", 6, "tight")
def _budget_before_the_script() -> None:
    from worker.ledger.money.ticket_values import NoBudget

    async def reserve(true: Any, desk: Any, question: Any, *, lines: Sequence[Any], **named: Any) -> Any:
        for line in lines:
            row = await desk._scripts.call("HMGET", desk._scripts.keys("budget", line.name), "spent", "reserved")
            if sum(int(one or 0) for one in row) + question.price > line.open(named.get("closed_share", 0.0)):
                return NoBudget(line.name)
        return await true(desk, question, lines=[replace(line, cap=1 << 40) for line in lines], **named)

    _replace("worker.ledger.money.tickets:Desk.reserve", reserve)


@_mutant("uncertain is taken for released", 1, "vendors")
def _uncertain_is_released() -> None:
    async def uncertain(_: Any, desk: Any, ticket: Any, cause: str, **__: Any) -> Any:
        return await desk.release(ticket, cause)

    _replace("worker.ledger.money.tickets:Desk.uncertain", uncertain)


@_mutant("an answer that cannot be read is not stored, as if it had cost nothing", 1, "pages")
def _unreadable_is_not_stored() -> None:
    async def stored(true: Any, ticket: Any, reply: Any) -> None:
        await (true(ticket, reply) if reply.body.endswith((b"}", b"]")) else ticket.released("unread"))

    _replace("worker.ledger.money.lookup_ticket:LookupTicket.stored", stored)


@_mutant("a creation claims no natural keys", 1)
def _creation_without_natural_keys() -> None:
    async def claim(true: Any, all_: Any, crm: str, object: str, key: str, natural: Sequence[str], *more: Any) -> Any:
        return await true(all_, crm, object, key, () if key else natural, *more)

    _replace("worker.ledger.money.creations:Creations.claim", claim)


# ---- the work --------------------------------------------------------------------------------------------------------

_ANYBODYS_LEASE = """
local true_held = held
local function held(owner, token, step)
  local _, crm, object, id = string.match(token, '^([^:]*):([^:]*):([^:]*):(.*)$')
  local w = open_record(crm, object, id)
  if w.f.s == 'leased' then
    return w
  end
  return true_held(owner, token, step)
end
"""
_FIRST_IS_LOST = """
local true_enter_due, lost = enter_due, false
local function enter_due(w, at)
  true_enter_due(w, at)
  if not lost then
    lost = true
    redis.call('ZREM', K.due(w.crm, w.object, due_lane(w)), w.id)
  end
end
"""


@_mutant("a step of a visit does not ask whose lease it is", 1, "frozen")
def _anybodys_lease() -> None:
    _lua("work_settle", "held", _ANYBODYS_LEASE, part="visit")


@_mutant("admission loses a record", 4, "tight")
def _admission_loses_a_record() -> None:
    _lua("floor_admit", "enter_due", _FIRST_IS_LOST)


@_mutant("the cursor moves before its page is stored", 1, "pages read")
def _cursor_before_its_page() -> None:
    from worker.ledger.work.work import Added

    async def add(true: Any, work: Any, rows: Sequence[Any], *, move: Any = None, **named: Any) -> Any:
        if not (move and rows):
            return await true(work, rows, move=move, **named)
        if not (await true(work, (), move=move, lane=named["lane"], run=named["run"])).moved:
            return Added(0, 0, 0, moved=False)
        await true(work, rows, **named)
        return Added(len(rows), 0, 0, moved=True)

    _replace("worker.ledger.work.work:Work.add", add)


@_mutant("deduplicated in one step and stored in another", 6, "crashes")
def _stored_in_a_second_step() -> None:
    async def store_page(
        true: Any, all_: Any, source: str, rows: Sequence[Any], crms: Sequence[str], *, run: str, watermark: str | None
    ) -> Any:
        stored = await true(all_, source, rows, (), run=run, watermark=watermark)
        if stored.new:
            await all_._scripts.call("HDEL", all_._scripts.keys("seen", source), *(row.key for row in rows))
            await true(all_, source, rows, crms, run=run, watermark=watermark)
        return stored

    _replace("worker.ledger.intake.deliveries:Deliveries.store_page", store_page)


# ---- the wire --------------------------------------------------------------------------------------------------------


@_mutant("a paid call is repeated after a time-out", 1, "vendors")
def _paid_call_is_repeated() -> None:
    from connectors.replies import BrokenError

    async def sent(true: Any, transport: Any, operation: Any, attempt: Any, *more: Any) -> Any:
        async def twice() -> Any:
            try:
                return await attempt()
            except BrokenError:
                return await attempt()

        return await true(transport, operation, twice, *more)

    _replace("connectors.transport:Transport._sent", sent)


@_mutant("released by the class of the exception alone", 14, "vendors")
def _released_by_its_class() -> None:
    import httpx

    def never_connected(true: Any, failure: BaseException) -> bool:
        return isinstance(failure, httpx.ConnectError) or true(failure)

    _replace("connectors.http_engine:_never_connected", never_connected)


@_mutant("a write is repeated inside its call", 1, "busy")
def _write_is_repeated() -> None:
    async def updated(_: Any, transport: Any, operation: Any, attempt: Any) -> Any:
        return await transport._repeated(operation, attempt)

    _replace("connectors.transport:Transport._updated", updated)


@_mutant("what was read of an org is written on however old it is", 27, "frozen", salesforce=True)
@_mutant("what was read is written on however old it is", 1, "frozen")
def _old_reads() -> None:
    _replace("connectors.limits:FRESH_S", 200.0)


@_mutant("the next window begins after the last one: > for >=", 31)
def _windows_leave_a_gap() -> None:
    from connectors.models import Cursor

    def stepped(true: Any, cursor: Any, last_id: str, more: bool, overlap_ms: int) -> Any:
        return true(cursor, last_id, more, overlap_ms) if more else Cursor(start=cursor.end + 1)

    _replace("connectors.hubspot.search:stepped", stepped)


@_mutant("a property closed to us is given up for good", 37)
def _closed_property_is_given_up() -> None:
    from connectors.models import RefusalKind

    _replace_entry("connectors.hubspot.refusals:KINDS", "READ_ONLY_VALUE", RefusalKind.VALUE)


@_mutant("the answer of a duplicate rule is read as another object", 1, salesforce=True)
def _duplicate_of_another_object() -> None:
    _replace_entry("connectors.salesforce.refusals:_PREFIXES", "00Q", "contact")


@_mutant("a contact is linked over the company that a person chose", 1, salesforce=True)
def _linked_over_a_persons_choice() -> None:
    async def link(true: Any, org: Any, object: str, pairs: Sequence[Any], made: Any = ()) -> Any:
        return await true(org, object, pairs, [one for one, _ in pairs])

    _replace("connectors.salesforce.client:Salesforce.link", link)


# ---- visits ----------------------------------------------------------------------------------------------------------


@_mutant("the fingerprint is taken before the push", 1)
def _fingerprint_before_the_push() -> None:
    before: dict[int, Any] = {}

    async def push(true: Any, visitor: Any, lease: Any, notes: Any, view: Any, decision: Any) -> Any:
        before[id(notes)] = view
        return await true(visitor, lease, notes, view, decision)

    async def end(true: Any, visitor: Any, lease: Any, notes: Any, after: Any, decision: Any) -> None:
        await true(visitor, lease, notes, before.pop(id(notes), after), decision)

    _replace("worker.visits.visit:Visitor._push", push)
    _replace("worker.visits.visit:Visitor._end", end)


@_mutant("blank is what was blank when the visit began", 1, "busy")
def _blank_as_it_began() -> None:
    from worker.decide.pushing import Push

    def push(_: Any, changes: Any, *__: Any) -> Any:
        return Push(writes=changes)

    _replace("worker.decide.pushing:push", push)


@_mutant("a locked row counts as written", 49)
def _locked_counts_as_written() -> None:
    from connectors.models import Written

    def answered(true: Any, writer: Any, run: Any, rows: Any, writes: Any, words: Mapping[str, Any]) -> Any:
        done = {
            id: replace(word, outcome=Written.DONE) if word.outcome is Written.LOCKED else word
            for id, word in words.items()
        }
        return true(writer, run, rows, writes, done)

    _replace("worker.visits.batch_writer:BatchWriter._answered", answered)


@_mutant("a person is made without looking for them", 1, salesforce=True)
def _made_without_looking() -> None:
    from worker.visits.matching import Match

    async def person(_: Any, *__: Any) -> Any:
        return Match()

    _replace("worker.visits.matching:Matcher.person", person)


@_mutant("what was taken back is not remembered", 2, "people")
def _taken_back_is_forgotten() -> None:
    from worker.decide.kept import OurValue
    from worker.decide.undo import UNDO

    def stands(true: Any, notes: Any, written: Any) -> None:
        true(notes, written)
        if written.rule == UNDO:
            notes.own[written.field] = OurValue()

    _replace("worker.visits.visit_notes:VisitNotes.stands", stands)


@_mutant("a plan is carried out on a record whatever it has become", 1, "plans")
def _plan_on_whatever_it_is() -> None:
    def mark(_: Any, *__: Any) -> str:
        return "planned"

    for module in ("worker.visits.foresight", "worker.visits.planned_runs"):
        _replace(f"{module}:planned_mark", mark)


@_mutant("a run fills what its plan leaves out", 1, "plans")
def _more_than_the_plan() -> None:
    def only(_: Any, outlook: Any, __: Any) -> Any:
        return outlook.open

    _replace("worker.visits.outlook:Outlook.only", only)


# ---- people ----------------------------------------------------------------------------------------------------------


@_mutant("whoever is forgotten is not suppressed", 8, "people")
def _forgotten_is_not_suppressed() -> None:
    async def add(_: Any, *__: Any) -> int:
        return 0

    _replace("worker.ledger.money.handle_lists:Suppressions.add", add)


@_mutant("an erasure leaves the journal as it is", 20, "people")
def _erasure_leaves_the_journal() -> None:
    async def unscrubbed(_: Any, erasures: Any, entries: Sequence[tuple[Any, str]]) -> int:
        rows = [
            (entry.key, entry.crm, entry.object, entry.id, entry.run, left)
            for entry, left in entries
            if left == entry.entry
        ]
        return int(await erasures._scripts.run("erasure_journal", entries=rows)) if rows else 0

    _replace("worker.ledger.journal.erasures:Erasures.replace", unscrubbed)
