"""Implements ``status``: the present state of everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from rich.table import Table

from config.counts import counted
from worker.commands.options import Config, Json, as_command, one_command
from worker.commands.session import err, opened_ledger, out, print_json, settings_of
from worker.commands.tables import table
from worker.decide.odds import EXPLORED
from worker.ledger.money.spool import Spool
from worker.ledger.redis_memory import MemoryUse
from worker.manual.exit_codes import DONE
from worker.reports.overview import Overview, fill_rate, overview
from worker.reports.words import ago, of, until

app = one_command()


@as_command(app)
async def command(config: Config = None, as_json: Json = False) -> int:
    """Show the present state: work, credits, pauses, polls, workers."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        found = await overview(ledger, settings)
    spooled = await asyncio.to_thread(Spool(settings.data_dir).pending)
    if as_json:
        print_json(found.as_json() | {"spool": spooled})
        return DONE
    for danger in found.unsafe:
        err.say(f"unsafe: {danger} (redis.allow_unsafe = true)", style="bold red")
    for one in _tables(found):
        out.print(one)
    out.say(
        f"{counted(len(found.workers), 'worker')} alive, {counted(found.uncertain, 'uncertain lookup')}, "
        f"{counted(found.journal, 'journal entry', 'journal entries')}, "
        f"{counted(found.deliveries, 'delivered row')} on the way, "
        f"{counted(spooled, 'paid reply', 'paid replies')} on disk"
    )
    if found.proposals:
        counts = ", ".join(f"{count} of {' '.join(name)}" for name, count in found.proposals.items())
        out.say(f"changes await your approval: {counts} (refill review list)")
    if found.learned:
        names = ", ".join(found.learned)
        out.say(f"{names}: providers in the learned order (refill advise), {EXPLORED:.0%} of people in another")
    announced, recovered = sum(found.announced.values()), sum(found.recovered.values())
    if announced or recovered:
        out.say(f"webhooks announced {counted(announced, 'record')}, sweeps found {recovered} more")
    if found.memory is not None:
        out.say(memory_line(found.memory))
    return DONE


def memory_line(memory: MemoryUse) -> str:
    """Tells how full Redis is, and when it will be."""
    line = f"Redis holds {memory.used / 2**20:.0f} MiB"
    if memory.limit:
        line += f" of {memory.limit / 2**20:.0f}, {memory.share:.0%}"
    if memory.full_in_days is not None:
        line += f", full in {counted(round(memory.full_in_days), 'day')} at this pace"
    return line + (": backfill pauses" if memory.is_full else "")


def _tables(found: Overview) -> Iterator[Table]:
    columns = ("work", "last poll", "due", "backfill", "leased", "waiting", "dead", "settled")
    rows = [
        (
            " ".join(name),
            ago(found.polls[name], found.now_ms) if name in found.polls else "",
            *(one.due - one.due_backfill, one.due_backfill, one.leased, one.waiting, one.dead, one.settled),
        )
        for name, one in found.work.items()
    ]
    yield table("Work", columns, rows, figures=6)
    yield table(
        "Credits",
        ("budget", "waiting", "reserved", "today", "this month"),
        [
            (name, found.waiting.get(name), one.reserved, of(one.today, one.cap.day), of(one.month, one.cap.month))
            for name, one in (*found.credits.items(), *found.crm_credits.items())
        ],
        figures=4,
    )
    if any(found.filled.values()):
        rows_filled = [
            (" ".join(name), *pair, count) for name, pairs in found.filled.items() for pair, count in pairs.items()
        ]
        yield table("Filled since the start", ("work", "field", "by", "values"), rows_filled, figures=1)
    if any(one.gaps for one in found.today.values()):
        rows_today = [
            (crm, one.records, one.gaps, sum(one.filled.values()), f"{fill_rate(one) or 0:.0%}")
            for crm, one in found.today.items()
        ]
        yield table("Today", ("found by", "records", "gaps", "filled", "fill rate"), rows_today, figures=4)
    if found.doubts:
        rows_doubts = [
            (one.ticket_id, one.provider, one.operation, one.cause, ago(one.sent_ms, found.now_ms), one.price)
            for one in found.doubts
        ]
        more = f", the first {len(found.doubts)} of {found.uncertain}" if found.uncertain > len(found.doubts) else ""
        shown = ("id", "provider", "operation", "cause", "sent", "credits at most")
        yield table(f"Perhaps charged{more}", shown, rows_doubts, figures=1)
    if found.reconciled:
        rows_books = [
            (
                name,
                ago(int(books["at_ms"]), found.now_ms),
                *("unknown" if books[key] is None else books[key] for key in ("ours", "theirs", "drift")),
            )
            for name, books in found.reconciled.items()
        ]
        yield table("Compared with the provider's books", ("provider", "when", "ours", "theirs", "drift"), rows_books)
    if found.pauses:
        now = found.now_ms
        rows_paused = [
            (one.target, one.reason, ago(one.since_ms, now), until(one.until_ms, now, one.reason), one.why)
            for one in found.pauses
        ]
        yield table("Paused", ("who", "reason", "since", "still", "what to do"), rows_paused)
