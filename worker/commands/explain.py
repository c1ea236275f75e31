"""Implements ``explain``: the story of one record."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from config.fields import PEOPLE
from connectors.models import Fate
from worker.commands.names import known_record, known_work
from worker.commands.options import Config, CrmName, Json, ObjectName, RecordId, finish, one_command
from worker.commands.progress import failed
from worker.commands.records import nowhere
from worker.commands.session import out, print_json, session, settings_of
from worker.commands.tables import cell
from worker.manual.exit_codes import DONE
from worker.reports.explain import Explanation, explain, seen
from worker.reports.story import EventKind, StoryEvent
from worker.reports.story_words import price_word
from worker.reports.words import ago, lasting

_NOW, _NEXT = "now", "next"
UNTOLD = frozenset({"uncertain", "resolved"})


async def run_explain(config: Path | None, crm: str, object: str, id: str, *, as_json: bool) -> int:
    """Tells what the ledger knows of a record, and what a visit would do with it now."""
    settings = settings_of(config)
    logging.getLogger("connectors").setLevel(logging.ERROR)  # what cannot be read is said below
    async with session(settings) as runtime:
        known_work(settings, crm, object, await runtime.ledger.all_work.works())
        id = known_record(settings, crm, object, id)
        known = await explain(runtime.ledger, crm, object, id)
        record: dict[str, Any] | None = None
        if object in PEOPLE and crm in settings.crm:
            uncertain = frozenset(str(one["question"]) for one in known.questions if one.get("outcome") in UNTOLD)
            record = await seen(runtime, crm, object, id, uncertain)
    if not known.is_known and (record is None or record.get("fate") == Fate.GONE):
        return failed(nowhere(crm, object, id))
    events = known.story(record)
    if as_json:
        shown = {"story": [asdict(one) for one in events]}
        print_json({"crm": crm, "object": object, "id": id} | known.as_json() | {"record": record} | shown)
        return DONE
    out.print(_title(crm, object, id, known), _story(events, known.now_ms))
    return DONE


def _title(crm: str, object: str, id: str, known: Explanation) -> str:
    paid = sum(one["credits"] or 0 for one in known.questions)
    return f"{crm} {object} {id}, {price_word(paid)} spent on it\n"


def _story(events: Sequence[StoryEvent], now_ms: int) -> Table:
    found = Table.grid(padding=(0, 2, 0, 0))
    found.add_column(no_wrap=True)
    found.add_column(overflow="fold")
    for one in events:
        when = ago(one.at, now_ms) if one.at else _NEXT if one.kind is EventKind.NEXT else _NOW
        texts = [one.text, *([f"{one.before or '(blank)'} -> {one.after or '(blank)'}"] if _has_values(one) else [])]
        texts += [f"(until {lasting(one.until - now_ms)} from now)"] if one.until > now_ms else []
        found.add_row(cell(when), cell(texts))
    return found


def _has_values(one: StoryEvent) -> bool:
    return bool(one.before or one.after)


app = one_command()


@app.command()
def command(crm: CrmName, object: ObjectName, id: RecordId, config: Config = None, as_json: Json = False) -> None:
    """Show why one record is as it is, and what a visit would do now.

    Where it stands, what was asked and written, what holds it back.
    """
    finish(run_explain(config, crm, object, id, as_json=as_json))
