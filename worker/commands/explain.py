"""Implements ``explain``: the story of one record."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from config.fields import PEOPLE
from config.plain import shown
from connectors.models import Fate
from worker.commands.names import known_record, known_work
from worker.commands.options import Config, CrmName, Json, ObjectName, RecordId, as_command, one_command
from worker.commands.progress import failed
from worker.commands.records import nowhere
from worker.commands.session import out, print_json, session, settings_of
from worker.manual.exit_codes import DONE
from worker.reports.explain import Explanation, explain, seen
from worker.reports.story import EventKind, StoryEvent
from worker.reports.story_words import price_word
from worker.reports.words import ago, lasting

_NOW, _NEXT = "now", "next"
UNTOLD = frozenset({"uncertain", "resolved"})

app = one_command()


@as_command(app)
async def command(crm: CrmName, object: ObjectName, id: RecordId, config: Config = None, as_json: Json = False) -> int:
    """Show the story of one record, and what a visit would do now.

    Its state, its lookups and writes, and what holds it back.
    """
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
    out.say(_title(crm, object, id, known))
    out.say("")
    for line in story_lines(events, known.now_ms, out.width if out.is_terminal else None):
        out.say(line)
    return DONE


def _title(crm: str, object: str, id: str, known: Explanation) -> str:
    paid = sum(one["credits"] or 0 for one in known.questions)
    return f"{crm} {object} {id}, {price_word(paid)} spent on it"


def story_lines(events: Sequence[StoryEvent], now_ms: int, width: int | None) -> Iterator[str]:
    """Yields the story, a line or more for each event; words are kept whole, for ids and names are copied from it.

    ``width`` is that of the terminal, ``None`` in a pipe, where nothing is wrapped.
    """
    lines = [(_when(one, now_ms), _texts(one, now_ms)) for one in events]
    indent = max((len(when) for when, _ in lines), default=0) + 2
    for when, texts in lines:
        parts = [part for text in texts for part in _folded(shown(text), width and max(20, width - indent))]
        for number, part in enumerate(parts):
            yield f"{'' if number else when:<{indent}}{part}"


def _when(one: StoryEvent, now_ms: int) -> str:
    return ago(one.at, now_ms) if one.at else _NEXT if one.kind is EventKind.NEXT else _NOW


def _texts(one: StoryEvent, now_ms: int) -> Iterator[str]:
    yield one.text
    if one.before or one.after:
        yield f"{one.before or '(blank)'} -> {one.after or '(blank)'}"
    if one.until > now_ms:
        yield f"(until {lasting(one.until - now_ms)} from now)"


def _folded(text: str, width: int | None) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False) if width else [text]
