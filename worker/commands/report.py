"""Implements ``report``: everything held about a person, for the person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from worker.commands.options import Config, Country, Json, OfKind, Person, Record, as_command, one_command
from worker.commands.person import Somebody, somebody
from worker.commands.progress import failed
from worker.commands.records import nowhere
from worker.commands.session import err, out, print_json, session, settings_of
from worker.commands.suppress import ValueReading
from worker.commands.tables import table
from worker.decide.handles import of_record
from worker.decide.journal_line import as_line
from worker.decide.mentions import mentions
from worker.ledger.journal.notices import Notices
from worker.ledger.money.answers import Ref
from worker.manual.exit_codes import DONE, FAILED
from worker.reports.explain import Explanation, explain
from worker.service.runtime import Runtime
from worker.upkeep.notices import BoughtData, bought
from worker.upkeep.traces import Traces, traces

_WHY = {
    "if_blank": "the field was blank",
    "if_ours": "the field was blank or held a value of ours",
    "always": "the field is always kept up to date",
    "created": "OpenProspect delivered the person",
}

app = one_command()


class PersonAsked(Struct, frozen=True):
    """Names the person asked about, and how that is read."""

    texts: tuple[str, ...]
    reading: ValueReading
    record: Ref | None = None


@as_command(app)
async def command(
    person: Person = None,
    record: Record = None,
    kind: OfKind = None,
    country: Country = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Show everything held about a person.

    With sources, times, reasons, records and prices.
    """
    asked = PersonAsked(tuple(person or ()), ValueReading(kind or "", tuple(country or ())), record)
    settings = settings_of(config)
    async with session(settings) as runtime:
        who = await somebody(runtime, asked.texts, asked.reading, asked.record)
        ledger = runtime.ledger
        found = await traces(ledger, mentions(who.handles), settings.journal.archive_dir, who.refs)
        records = {ref: await explain(ledger, *ref) for ref in sorted(found.records)}
        known = {*who.handles, *(of_record(*ref) for ref in who.refs)}
        listed = any(await runtime.lookups.suppressions.among([known]))
        informed, data = await Notices(ledger.scripts).informed(), await bought(ledger.journal)
        report = _report(runtime, who, found, records, informed, data) | {"suppressed": listed}
    if asked.record and not asked.texts and not who.records and not any(one.is_known for one in records.values()):
        return failed(nowhere(*asked.record))
    if as_json:
        print_json(report)
    else:
        _show(report)
    for line in who.set_apart():
        err.say(line)
    for name, why in sorted(who.not_asked.items()):
        err.say(f"{name} was not asked: {why}")
    return FAILED if who.not_asked else DONE


def _report(
    runtime: Runtime,
    who: Somebody,
    found: Traces,
    records: Mapping[Ref, Explanation],
    informed: Mapping[Ref, int],
    data: Mapping[Ref, BoughtData],
) -> dict[str, Any]:
    return {
        "person": [{"kind": one.kind, "value": one.value} for one in sorted(who.handles)],
        "records": [
            {
                "crm": ref[0],
                "object": ref[1],
                "id": ref[2],
                "in_crm": ref in who.records,
                "values": [line for one in known.changes for line in _values(one)],
                "lookups": [_lookup(one) for one in known.questions],
                "remembered": bool(known.memory),
                "in_work": known.place.state if known.place else None,
                "bought_at": data[ref].since if ref in data else None,
                "informed_at": informed.get(ref),
            }
            for ref, known in records.items()
        ],
        "answers": [
            {
                "provider": kept.provider,
                "operation": kept.operation,
                "got_at": kept.at_ms,
                "kept_until": kept.expires_ms,
                "text": kept.reply.body.decode("utf-8", "replace"),
            }
            for kept in found.answers.values()
        ],
        "deliveries": [row.key for row in found.rows],
        "claims": sum(len(held) for held in found.claims.values()),
        "open_changes": len(found.intents),
        "archived": [dict(line) for line in found.archived],
        "spooled": runtime.spool.pending(),
    }


def _values(one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Gives a line for each value that was written, refused, or made with a row."""
    common = {"run": one.get("run"), "at": one["at"]}
    if one["kind"] == "created":
        for name, value in (one.get("values") or {}).items():
            yield (
                {"field": name, "value": value, "from": "openprospect", "state": "created"}
                | common
                | {
                    "why": _WHY["created"],
                    "credits": 0,
                }
            )
    elif one.get("field"):
        yield {
            "field": one["field"],
            "value": one.get("after") or "",
            "before": one.get("before") or "",
            "from": one.get("provider"),
            "state": one.get("state") or one.get("signal") or one["kind"],
            "why": _why(one),
            "credits": one.get("credits") or 0,
        } | common


def _why(one: Mapping[str, Any]) -> str:
    """Says in words why a value was written, or what came of it since."""
    if one["kind"] == "signal":
        return as_line("", ("", "", ""), "", one).reason
    return _WHY.get(str(one.get("rule")), one.get("rule") or "")


def _informed(one: Mapping[str, Any]) -> str:
    """Says when the person was informed; blank where nothing bought is known, so that nobody has to be."""
    return _day(one["informed_at"]) or ("no" if one["bought_at"] else "")


def _lookup(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one.get(name) for name in ("provider", "operation", "outcome", "credits", "at", "run", "kept_until")}


def _show(report: Mapping[str, Any]) -> None:
    out.print(table("Person", ("handle", "value"), [(one["kind"], one["value"]) for one in report["person"]]))
    rows = [
        (one["crm"], one["object"], one["id"], "yes" if one["in_crm"] else "no", _informed(one))
        for one in report["records"]
    ]
    out.print(table("Records", ("crm", "object", "id", "in the crm", "informed"), rows))
    values = [
        (one["id"], line["field"], line["value"], line["from"], line["why"], line["state"], _day(line["at"]))
        for one in report["records"]
        for line in one["values"]
    ]
    out.print(table("Values", ("record", "field", "value", "from", "why", "state", "when"), values))
    lookups = [
        (one["id"], line["provider"], line["operation"], line["outcome"], _day(line["at"]), line["credits"])
        for one in report["records"]
        for line in one["lookups"]
    ]
    out.print(table("Lookups", ("record", "provider", "operation", "outcome", "when", "credits"), lookups, figures=1))
    kept = [
        (one["provider"], one["operation"], _day(one["got_at"]), _day(one["kept_until"])) for one in report["answers"]
    ]
    out.print(table("Kept answers (their text is in --json)", ("provider", "operation", "since", "until"), kept))
    names = ("deliveries", "claims", "open_changes", "archived", "spooled")
    counts = [(name.replace("_", " "), _count(report[name])) for name in names]
    out.print(table("Elsewhere", ("what", "how many"), counts, figures=1))
    out.say("on the suppression list" if report["suppressed"] else "not on the suppression list")


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else int(str(value))


def _day(ms: int | None) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}" if ms else ""
