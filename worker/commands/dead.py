"""``dead``, ``replay``, ``pause``, ``resume``, ``uncertain``: what a person decides about work and money."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from config.problems import ConfigError
from worker.commands.names import ALL, chosen_works, known_record, known_target, known_watch, known_work, pausable
from worker.commands.records import missing
from worker.commands.session import opened_ledger, out, print_json, session, settings_of
from worker.commands.sync import failed
from worker.commands.tables import ago, table
from worker.ledger.journal.figures import WorkName
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Ref
from worker.ledger.money.tickets import Uncertain
from worker.ledger.work.work import DeadLetter, Due, Lane, Work
from worker.manual.exit_codes import DONE
from worker.reports.explain import told
from worker.upkeep.reconcile import RESTORED
from worker.visits.runs import new_run

PAGE = 500
OPERATOR = "operator"


# ---- dead letters ------------------------------------------------------------------------------------------------


async def run_dead_list(config: Path | None, crm: str | None, object: str | None, *, as_json: bool) -> int:
    """Every dead letter, oldest first."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        works = chosen_works(settings, crm, object, await ledger.floor.works())
        found = [(name, letter) for name in works for letter in await _letters(ledger.work(*name))]
        now = await ledger.scripts.now()
    if as_json:
        print_json([_letter(name, letter) for name, letter in found])
        return DONE
    rows = [(*name, one.id, one.attempts, ago(one.since_ms, now), one.reason) for name, one in found]
    out.print(table("Dead letters", ("crm", "object", "id", "attempts", "since", "reason"), rows))
    return DONE


async def run_dead_show(config: Path | None, crm: str, object: str, id: str, *, as_json: bool) -> int:
    """One dead letter with the changes that were open when it was buried."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        work = ledger.work(*known_work(settings, crm, object, await ledger.floor.works()))
        id = known_record(settings, crm, object, id)
        letter = next((one for one in await _letters(work) if one.id == id), None)
        intents = [json.loads(text) for text in await work.dead_intents(id)]
        now = await ledger.scripts.now()
    if letter is None:
        return failed(f"{crm} {object} {id} is no dead letter: refill dead list shows them")
    if as_json:
        print_json(_letter((crm, object), letter) | {"intents": intents})
        return DONE
    rows = [
        ("reason", letter.reason),
        ("attempts", letter.attempts),
        ("since", ago(letter.since_ms, now)),
        ("run", letter.run),
        *(("open change", f"{one.get('field') or one.get('object')}, from {one.get('provider')}") for one in intents),
    ]
    out.print(table(f"{crm} {object} {id}", ("", ""), rows))
    return DONE


async def run_dead_replay(config: Path | None, names: tuple[str | None, str | None, str | None]) -> int:
    """Visit dead letters again, with all attempts before them."""
    return await _each_dead(config, names, "replay")


async def run_dead_drop(config: Path | None, names: tuple[str | None, str | None, str | None]) -> int:
    """Take dead letters out of the work for good."""
    return await _each_dead(config, names, "drop")


async def _each_dead(config: Path | None, names: tuple[str | None, str | None, str | None], step: str) -> int:
    settings, (crm, object, id) = settings_of(config), names
    async with opened_ledger(settings) as ledger:
        works = chosen_works(settings, crm, object, await ledger.floor.works())
        if crm and object and id:
            id = known_record(settings, crm, object, id)
        run, done = new_run("replay"), 0
        for work in (ledger.work(*name) for name in works):
            for letter in await _letters(work):
                if id not in {None, letter.id}:
                    continue
                if step == "replay":
                    await work.replay(letter.id, run)
                    done += 1
                else:
                    done += await work.drop(letter.id)
    if id is not None and not done:
        return failed(f"{crm} {object} {id} is no dead letter: refill dead list shows them")
    out.say(f"dead letters {'due again' if step == 'replay' else 'dropped'}: {done}")
    return DONE


async def _letters(work: Work) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    while page := await work.dead(PAGE, len(found)):
        found += page
        if len(page) < PAGE:
            break
    return found


def _letter(name: WorkName, letter: DeadLetter) -> dict[str, object]:
    told = asdict(letter)
    since = told.pop("since_ms")
    return {"crm": name[0], "object": name[1], **told, "since": since}


# ---- replay ------------------------------------------------------------------------------------------------------


async def run_replay(config: Path | None, crm: str, object: str, id: str) -> int:
    """Visit a record whatever it is; fields whose value of ours was cleared are open again."""
    settings = settings_of(config)
    known_watch(settings, crm, object)
    id = known_record(settings, crm, object, id)
    async with session(settings) as runtime:
        known = await told(runtime.ledger, crm, object, id)
        if not known.is_known and (sentence := await missing(runtime, crm, object, id)):
            return failed(sentence)
        await runtime.ledger.work(crm, object).replay(id, new_run("replay"), reopen=True)
    out.say(f"{crm} {object} {id} is due now; fields that were refused are open again")
    return DONE


# ---- pauses ------------------------------------------------------------------------------------------------------


async def run_pause(config: Path | None, target: str, why: str) -> int:
    """Stop everything of a crm or a provider until it is resumed."""
    settings = settings_of(config)
    known_target(settings, target)
    async with opened_ledger(settings) as ledger:
        for name in pausable(settings) if target == ALL else [target]:
            await ledger.pauses.pause(name, OPERATOR, why=why or f"paused by hand: refill resume {name}")
            out.say(f"{name} is paused until refill resume {name}")
    return DONE


async def run_resume(config: Path | None, target: str) -> int:
    """Lift every reason of a crm or a provider, those of its buckets too, and say which."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        standing = await ledger.pauses.all()
        known_target(settings, target, {one.target for one in standing})
        found = [one for one in standing if target == ALL or _is_of(one.target, target)]
        for one in found:
            if one.reason == RESTORED:
                told = f"{one.target}: {one.reason} stands until refill reconcile has looked at the provider's books"
                out.say(told)
                continue
            await ledger.pauses.lift(one.target, one.reason)
            out.say(f"{one.target}: {one.reason} lifted")
    if not found:
        out.say("nothing was paused" if target == ALL else f"{target} was not paused")
    return DONE


def _is_of(paused: str, target: str) -> bool:
    return paused == target or paused.startswith(f"{target}:")


# ---- uncertain lookups -------------------------------------------------------------------------------------------


async def run_uncertain_list(config: Path | None, *, as_json: bool) -> int:
    """Every lookup that was perhaps charged, longest first."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        found: list[Uncertain] = []
        after = ""
        while page := await ledger.desk.uncertain_list(PAGE, after):
            found, after = [*found, *page], page[-1].cursor
        now = await ledger.scripts.now()
    if as_json:
        print_json([asdict(one) for one in found])
        return DONE
    rows = [
        (
            one.ticket_id,
            one.provider,
            one.operation,
            " ".join(one.ref or ()),
            one.price,
            ago(one.sent_ms, now),
            one.cause,
        )
        for one in found
    ]
    columns = ("id", "provider", "operation", "first asked for", "credits at most", "sent", "cause")
    out.print(table("Uncertain lookups", columns, rows))
    return DONE


async def run_uncertain_resolve(config: Path | None, ticket: str, *, ask_again: bool, charged: bool) -> int:
    """A person's word on one; with ``ask_again`` the question may be paid for once more."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        one = await _uncertain(ledger, ticket)
        if one is None:
            raise ConfigError([f'no uncertain lookup is called "{ticket}": refill uncertain list shows them'])
        ended = await ledger.desk.resolve(ticket, ask_again, charged=charged)
        if ask_again:
            await _look_again(ledger, [*([one.ref] if one.ref else []), *ended.waiters])
        else:
            await ledger.floor.wake(ended.waiters)
    out.print(
        f"{ticket}: {'charged' if charged else 'not charged'}, {'asked again' if ask_again else 'counts as a miss'}",
        highlight=False,
        markup=False,
    )
    return DONE


async def _uncertain(ledger: Ledger, ticket: str) -> Uncertain | None:
    after = ""
    while page := await ledger.desk.uncertain_list(PAGE, after):
        for one in page:
            if one.ticket_id == ticket:
                return one
        after = page[-1].cursor
    return None


async def _look_again(ledger: Ledger, refs: Iterable[Ref]) -> None:
    run = new_run("ask")
    for crm, object, id in dict.fromkeys(refs):
        await ledger.work(crm, object).add([Due(id)], lane=Lane.LIVE, run=run, forced=True)
