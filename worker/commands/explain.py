"""Implements ``explain``: why one record is as it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from config.fields import PEOPLE
from connectors.models import Fate
from worker.commands.names import known_record, known_work
from worker.commands.progress import failed
from worker.commands.records import nowhere
from worker.commands.session import out, print_json, session, settings_of
from worker.commands.tables import ago, lasting, table
from worker.ledger.work.record_state import Place
from worker.manual.exit_codes import DONE
from worker.reports.explain import Explanation, explain, seen

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
    if as_json:
        print_json({"crm": crm, "object": object, "id": id} | known.as_json() | {"record": record})
        return DONE
    out.print(table(f"{crm} {object} {id}", ("", ""), _rows(known, record)))
    if known.questions:
        rows = [
            (
                one.get("provider"),
                one.get("operation"),
                one.get("outcome"),
                one["credits"],
                ago(one.get("at") or 0, known.now_ms),
            )
            for one in known.questions
        ]
        out.print(table("Asked for it", ("provider", "operation", "outcome", "credits", "when"), rows))
    if signals := [one for one in known.changes if one["kind"] == "signal"]:
        signal_rows = [(_signal(one), one.get("run"), ago(one["at"], known.now_ms)) for one in signals]
        out.print(table("Worth a look", ("what", "run", "when"), signal_rows))
    if changes := [one for one in known.changes if one["kind"] != "signal"]:
        lines = [
            (what, value, _from(one), state, one.get("run"), ago(one["at"], known.now_ms))
            for one in changes
            for what, value, state in _written(one)
        ]
        out.print(table("Written on it", ("what", "value", "from", "state", "run", "when"), lines))
    return DONE


def _written(one: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Says of a line of the journal what was written, the value, and its state."""
    match one["kind"]:
        case "created":
            yield one["made_object"], one["made_id"], "created"
            yield from ((name, value, "created") for name, value in (one.get("values") or {}).items())
        case "linked":
            yield "company", one["company_id"], "linked"
        case kind:
            state = " ".join(word for word in (one.get("state") or kind, one.get("cause")) if word)
            yield one.get("field") or "", one.get("after") or "", state


def _from(one: Mapping[str, Any]) -> str:
    """Says who gave it, and by which delivery of whom."""
    words = (one.get("provider") or "openprospect", one.get("delivery"), one.get("external_id"))
    return " ".join(word for word in words if word)


def _signal(one: Mapping[str, Any]) -> str:
    match one["signal"]:
        case "wrong_person":
            return f"another person than prospect {one['external_id'] or '(erased)'}"
        case "job_change":
            return f"works at {one['employer'] or one['employer_domain'] or '(erased)'} now, says {one['provider']}"
        case "kept_back":
            return f"did not take what was delivered of {one['external_id'] or '(erased)'}: {one['cause']}"
        case other:
            return str(other)


def _rows(known: Explanation, record: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    yield "where", _where(known)
    if known.place and known.place.note:
        yield "why", known.place.note
    for one in known.pauses:
        yield f"{one.target} is paused", one.why or one.reason
    memory = known.as_json()["remembered"]
    if memory:
        if memory["read_at"]:
            yield "last read", ago(memory["read_at"], known.now_ms)
        if memory["look_at"]:
            yield "looked at again", f"in {lasting(memory['look_at'] - known.now_ms)}"
        for kind, names in (("rejected in review", memory["rejected"]), ("cleared by a person", memory["refused"])):
            refused = [one for one in names if kind.startswith("rejected") or one not in memory["rejected"]]
            if refused:
                yield "refused", f"{', '.join(refused)}: {kind}, refill replay opens them again"
    if record is None:
        return
    if "unread" in record:
        yield "not read", record["unread"]
        return
    if record["fate"] != "found":
        yield "in the crm", " ".join(word for word in (record["fate"], record.get("moved_to")) if word)
        return
    if record["skipped"]:
        yield "skipped", record["skipped"].replace("_", " ")
    yield "known by", ", ".join(record["known_by"]).replace("_", " ") or "nothing that finds a person"
    yield "gaps", ", ".join(record["gaps"]) or "none"
    for name, reason in {**record["closed"], **record["unfilled"]}.items():
        yield f"{name} stays blank", reason.replace("_", " ")
    for name, cause in record["refused_by_crm"].items():
        yield f"{name} is refused", f"{cause}; the value is kept and tried again when the record changes"
    for one in record["would_ask"]:
        yield (
            "would ask",
            f"{one['provider']} {one['operation']} for {one['credits']} credits ({', '.join(one['for'])})",
        )
    for one in record["would_write"]:
        yield "would write", f"{one['field']} from {one['provider']}"


def _where(known: Explanation) -> str:
    place, now = known.place, known.now_ms
    if place is None:
        return "settled" if known.memory else "never seen, or nothing is remembered of it"
    match place.state:
        case "due":
            when = f"due in {lasting(place.at_ms - now)}" if place.at_ms > now else f"due since {ago(place.at_ms, now)}"
        case "leased":
            when = "being visited"
        case "waiting":
            whom = ", ".join(place.providers) or "a run that may spend more"
            when = f"waiting for {whom} since {ago(place.at_ms, now)}"
        case _:
            when = f"a dead letter since {ago(place.at_ms, now)}"
    return f"{when}, {_more(place)}"


def _more(place: Place) -> str:
    words = [f"{place.lane} lane"]
    words += [f"{place.attempts} failed visits"] if place.attempts else []
    words += [f"{place.crashes} crashes"] if place.crashes else []
    words += [f"{place.intents} open changes"] if place.intents else []
    return ", ".join(words)
