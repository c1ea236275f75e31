"""Shows what a pass would look up, write and cost before anything is bought or written."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace

from config.counts import counted
from config.plain import escaped
from config.settings import Settings
from worker.commands.meter import Meter
from worker.commands.names import known_crm, known_record, known_watch
from worker.commands.options import Config, OneRecord, as_command, one_command
from worker.commands.progress import failed
from worker.commands.records import missing
from worker.commands.session import err, out, session, settings_of
from worker.commands.tables import table
from worker.decide.decision import Change
from worker.decide.forecast import LikelyStep
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.manual.exit_codes import DONE, FAILED
from worker.manual.plan_file import PlanWriter
from worker.reports.plan import Plan, PlanAsked, make_plan
from worker.reports.plan_deliveries import ForeseenDelivery
from worker.reports.plan_sums import PlanSums
from worker.reports.words import lasting
from worker.visits.foresight import ForeseenVisit

_LEFT = {
    "nothing new": "as the last visit left it",
    "complete": "no gap",
    "dead letter": "dead letter (refill dead list)",
    "where": "not selected (where)",
    "skip_if": "not selected (skip_if)",
}

app = one_command()


@as_command(app)
async def command(
    crm: Annotated[str, typer.Option(help="Only this crm.")] = "",
    object: Annotated[str, typer.Option(help="Only this object: contact, lead.")] = "",
    record: OneRecord = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop at this many records with something to do.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write it to this file, for refill sync --plan.")] = None,
    details: Annotated[bool, typer.Option("--details", help="A block for each record, too.")] = False,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a record, then the totals.")] = False,
) -> int:
    """Show what a pass would look up, write and cost. Nothing is bought or written.

    Exit codes: 0 done, 1 a crm could not be read.
    """
    details = details or record is not None
    settings = settings_of(config)
    asked = _known(settings, PlanAsked(crm, object, record, limit))
    async with session(settings) as runtime:
        if asked.record and (sentence := await missing(runtime, *asked.record)):
            return failed(sentence)

        def show(one: ForeseenVisit) -> None:
            if writer is not None:
                writer.add(one)
            if as_json and (one.does_something or asked.record):
                _line(visit_json(one))
            elif details and (one.does_something or asked.record):
                for line in block(one):
                    out.say(line)

        def delivered(one: ForeseenDelivery) -> None:
            if as_json and one.lines:
                _line(delivery_json(one))
            elif details and one.lines:
                for line in delivery_block(one):
                    out.say(line)

        with Meter("records", err) as meter, PlanWriter(save) if save else nullcontext() as writer:

            def far(sums: PlanSums) -> None:
                meter.at(sums.read, more=f"{sums.visits:,} with something to do")

            plan = await make_plan(runtime, asked, show, far, delivered)
    if as_json:
        _line({"totals": plan.as_json()})
    else:
        _summary(plan)
    if save:
        visits = counted(plan.sums.visits, "record")
        err.say(f"saved: refill sync --plan {save} fills the {visits} of this plan and no other")
    if plan.undelivered:
        err.say(f"what OpenProspect has ready is not in the plan: {plan.undelivered}")
    for name in plan.not_read:
        err.say(f"{name} was not read: it cannot be opened, run refill check")
    return FAILED if plan.not_read or plan.undelivered else DONE


def _known(settings: Settings, asked: PlanAsked) -> PlanAsked:
    if asked.record:
        crm, kind, id = asked.record
        known_watch(settings, crm, kind)
        return replace(asked, record=(crm, kind, known_record(settings, crm, kind, id)))
    if asked.crm:
        known_crm(settings, asked.crm)
    if asked.object and asked.object != DELIVERY:
        watching = [name for name, crm in settings.crm.items() if asked.object in crm.objects()]
        for name in [asked.crm] if asked.crm else watching or list(settings.crm)[:1]:
            known_watch(settings, name, asked.object)
    return asked


def _line(fields: Mapping[str, Any]) -> None:
    sys.stdout.write(escaped(json.dumps(fields, ensure_ascii=False)) + "\n")


# ---- one record --------------------------------------------------------------------------------------------------


def visit_json(one: ForeseenVisit) -> dict[str, Any]:
    return {
        "crm": one.crm,
        "object": one.object,
        "id": one.id,
        "skip": one.skip or None,
        "gaps": list(one.gaps),
        "write": [_change(one, change) for change in one.changes],
        "ask": [_step(step) for step in one.forecast.steps],
        "kept_answers": one.kept,
        "closed": dict(one.closed),
        "unfilled": dict(one.unfilled),
        "chance": {name: round(chance, 3) for name, chance in one.forecast.fills.items()},
        "credits": {
            name: {"expected": round(credits.mean, 2), "most": credits.most}
            for name, credits in one.forecast.credits.items()
        },
    }


def _change(one: ForeseenVisit, change: Change) -> dict[str, Any]:
    return {
        "field": change.field,
        "property": change.property,
        "before": one.before[change.field],
        "after": change.value,
        "provider": change.provider,
        "grade": change.grade,
    }


def _step(step: LikelyStep) -> dict[str, Any]:
    return {
        "provider": step.offer.provider,
        "operation": step.offer.operation,
        "for": list(step.fields),
        "credits": step.offer.price,
        "chance": round(step.chance, 3),
    }


def block(one: ForeseenVisit) -> Iterator[str]:
    yield f"{one.crm} {one.object} {one.id}"
    if one.skip:
        yield f"  left alone: {_LEFT.get(one.skip, one.skip.replace('_', ' '))}"
    for change in one.changes:
        graded = f", {change.grade}" if change.grade else ""
        value = f"{one.before[change.field] or '(blank)'} -> {change.value}"
        yield f"  write {change.field}: {value} ({change.provider}{graded}; paid for already)"
    for number, step in enumerate(one.forecast.steps, 1):
        unit = "credit" if step.offer.price == 1 else "credits"
        likely = "" if step.chance > 0.995 else f", {_likely(step.chance)}"
        yield (
            f"  ask {number}. {step.offer.provider} {step.offer.operation}, {step.offer.price} {unit},"
            f" for {', '.join(step.fields)}{likely}"
        )
    for name, reason in {**one.closed, **one.unfilled}.items():
        yield f"  {name} stays: {reason.replace('_', ' ')}"
    if one.does_something and one.forecast.credits:
        credits = (
            f"{name} about {round(sum_.mean, 1):g}, at most {sum_.most}" for name, sum_ in one.forecast.credits.items()
        )
        yield f"  credits: {'; '.join(credits)}"
    yield ""


def _likely(chance: float) -> str:
    return f"{chance:.0%} likely" if chance >= 0.005 else "if nothing is found first"


def delivery_json(one: ForeseenDelivery) -> dict[str, Any]:
    return {
        "crm": one.crm,
        "object": "delivery",
        "id": one.id,
        "create": [
            {"object": object, "values": {line.property: line.after for line in lines}} for object, _, lines in one.made
        ],
        "write": [
            {"object": line.object, "id": line.row, "field": line.field, "before": line.before, "after": line.after}
            for line in one.written
        ],
    }


def delivery_block(one: ForeseenDelivery) -> Iterator[str]:
    yield f"{one.crm} delivery {one.id}"
    for object, _, lines in one.made:
        yield f"  make a {object}: {', '.join(f'{line.field} {line.after}' for line in lines)}"
    for line in one.written:
        yield f"  write {line.field} of {line.object} {line.row}: {line.before or '(blank)'} -> {line.after}"
    yield ""


# ---- all of them -------------------------------------------------------------------------------------------------


def _summary(plan: Plan) -> None:
    sums = plan.sums
    title = "Plan: nothing was bought, nothing was written"
    out.print(table(title, ("", "records"), _rows(plan), figures=1))
    fields = sorted({*sums.changes, *sums.expected})
    if fields:
        rows = [(name, sums.changes[name], f"about {round(sums.expected.get(name, 0)):,}") for name in fields]
        columns = ("field", "from kept answers", "by lookups")
        out.print(table("Values that would be written", columns, rows, figures=2))
    if plan.deliveries:
        counts = [(name, one.rows, one.companies, one.people, one.values) for name, one in plan.deliveries.items()]
        titles = ("crm", "deliveries", "companies made", "people made", "values written")
        out.print(table("Deliveries", titles, counts, figures=4))
    if bands := sums.credits(plan.odds):
        credits = [
            (name, f"{one.expected:,}", f"{one.low:,} to {one.high:,}", f"{one.most:,}", f"{_left(plan, name)}", one.by)
            for name, one in bands.items()
        ]
        heads = ("credits", "expected", "between", "at most", "left today", "by")
        out.print(table("Credits", heads, credits))
    else:
        out.say("No lookup would be paid for.")
    for sentence in _sentences(plan):
        out.say(sentence)


def _left(plan: Plan, name: str) -> str:
    left = plan.budgets.get(name, 0)
    return f"{left:,}" if left < 2**50 else "no limit"


def _rows(plan: Plan) -> Iterator[tuple[str, str]]:
    sums = plan.sums
    yield "read", f"{sums.read:,}"
    yield "with something to do", f"{sums.visits:,}"
    if sums.shared:
        yield "of these paid for by another record", f"{sums.shared:,}"
    for reason, count in sorted(sums.skipped.items(), key=lambda one: -one[1]):
        yield f"left alone: {_LEFT.get(reason, reason.replace('_', ' '))}", f"{count:,}"
    for reason, count in sorted((sums.closed + sums.unfilled).items(), key=lambda one: -one[1]):
        yield f"fields that stay: {reason.replace('_', ' ')}", f"{count:,}"


def _sentences(plan: Plan) -> Iterator[str]:
    if any(one.by != "own rates" for one in plan.sums.credits(plan.odds).values()):
        yield "Price list: too few lookups so far, so each is assumed to succeed every second time."
    for name, one in plan.sums.credits(plan.odds).items():
        if one.expected > (left := plan.budgets.get(name, 0)):
            yield f"The budget of {name} covers {counted(left, 'credit')} today: the rest waits."
    calls = ", ".join(f"{name} {count:,}" for name, count in plan.calls.items())
    if calls:
        yield f"CRM API calls of the pass: about {calls}."
    if plan.sums.visits:
        yield f"Time at today's rates: {lasting(int(plan.seconds * 1000))} or more."
    for name in plan.reviewed:
        yield f"{name} is in the mode review: lookups are paid for, changes await your approval."
    for name in plan.observed:
        yield f"{name} is in the mode observe: a pass does none of this before crm.{name}.mode is review or auto."
    for pause in plan.pauses:
        yield f"{pause.target} is paused: {pause.why or pause.reason}"
    if plan.is_cut:
        yield "There are more records: the plan stopped at its limit."
