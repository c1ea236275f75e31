"""Implements ``review``: what visits propose in a crm whose mode is ``review``, and a person's word on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import Struct, to_builtins

from config.counts import counted
from config.problems import ConfigError
from worker.commands.names import chosen_works, known_record, known_work
from worker.commands.options import AnyCrm, AnyObject, Config, CrmName, Json, ObjectName, as_command, group
from worker.commands.session import err, opened_ledger, out, print_json, report, settings_of
from worker.commands.tables import table
from worker.commands.terminal import agreed
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import Proposal, Proposed, Reviews, Stand
from worker.manual.exit_codes import DONE, FAILED
from worker.reports.words import ago
from worker.upkeep.reviewing import decide_proposal, of_part

Grouping = Literal["field", "provider", "company"]
_GROUPS: Mapping[Grouping, Callable[[Proposal, Proposed], str]] = {
    "field": lambda _, line: line.field,
    "provider": lambda _, line: line.provider,
    "company": lambda proposal, _: proposal.company or "(unknown)",
}


Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Default: everything proposed.")]
Fields = Annotated[list[str] | None, typer.Option("--field", help="Only this field; may be repeated.")]
Providers = Annotated[
    list[str] | None, typer.Option("--provider", help="Only values from this provider; may be repeated.")
]
ForAll = Annotated[bool, typer.Option("--yes", help="Decide about more than one record without asking.")]
app = group("List, approve or reject changes that await your approval.")


class WordOn(Struct, frozen=True):
    """Names the proposals a person has a word on: those of ``ids``, of ``fields`` and ``providers``; empty is all."""

    crm: str
    object: str
    ids: Sequence[str] = ()
    fields: Sequence[str] = ()
    providers: Sequence[str] = ()


@as_command(app, "list")
async def review_list(
    crm: AnyCrm = None,
    object: AnyObject = None,
    by: Annotated[Literal["field", "provider", "company"] | None, typer.Option(help="Sums instead of lines.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Show every proposed change, before and after; of deliveries also the rows to be made."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        works = chosen_works(settings, crm, object, await ledger.all_work.works())
        found = [(name, one) for name in works for one in await Reviews(ledger.scripts, *name).all()]
        now = await ledger.scripts.now()
    if by is not None:
        _show_sums([one for _, one in found], by, as_json=as_json)
    elif as_json:
        print_json([{"crm": crm_, "object": kind, **to_builtins(one)} for (crm_, kind), one in found])
    else:
        _show(found, now)
    return DONE


def _show(found: Sequence[tuple[WorkName, Proposal]], now: int) -> None:
    rows = [
        (
            *name,
            one.id,
            _whose(line),
            line.field.replace("_", " "),
            line.before or "(blank)",
            line.after,
            line.provider,
            one.stand,
            ago(one.at, now),
        )
        for name, one in found
        for line in one.changes
    ]
    heads = ("crm", "object", "id", "row", "field", "before", "after", "from", "stand", "since")
    out.print(table("Changes to review", heads, rows))


def _whose(line: Proposed) -> str:
    """Says which row a delivery's value is for; the record itself where it is no delivery's."""
    return f"{line.object} {line.row or 'to be made'}" if line.object else ""


def _show_sums(proposals: Iterable[Proposal], by: Grouping, *, as_json: bool) -> None:
    records: dict[str, set[str]] = {}
    values: dict[str, int] = {}
    for proposal in proposals:
        for line in proposal.changes:
            name = _GROUPS[by](proposal, line)
            records.setdefault(name, set()).add(proposal.id)
            values[name] = values.get(name, 0) + 1
    rows = [(name, len(records[name]), values[name]) for name in sorted(values, key=lambda one: (-values[one], one))]
    if as_json:
        print_json([{by: name, "records": many, "values": count} for name, many, count in rows])
    else:
        out.print(table(f"Changes to review by {by}", (by, "records", "values"), rows, figures=2))


async def run_review_decide(config: Path | None, stand: Stand, wanted: WordOn, *, yes: bool, as_json: bool) -> int:
    """Say ``stand`` of proposals; more than one record is asked about first."""
    settings = settings_of(config)
    crm, object = wanted.crm, wanted.object
    async with opened_ledger(settings) as ledger:
        name = known_work(settings, crm, object, await ledger.all_work.works())
        ids = [known_record(settings, crm, object, one) for one in wanted.ids]
        proposals = {one.id: one for one in await Reviews(ledger.scripts, *name).all()}
        unknown = [id_ for id_ in ids if id_ not in proposals]
        if unknown or not proposals:
            whom = f"{crm} {object} {', '.join(unknown)}".strip()
            err.say(f"nothing is proposed for {whom}: refill review list shows what is")
            return FAILED
        chosen = [proposals[id_] for id_ in ids] or list(proposals.values())
        _refuse_unknown("change of", wanted.fields, {line.field for one in chosen for line in one.changes})
        _refuse_unknown("value from", wanted.providers, {line.provider for one in chosen for line in one.changes})
        chosen = [part for one in chosen if (part := of_part(one, wanted.fields, wanted.providers)).changes]
        if any(part.changes != proposals[part.id].changes for part in chosen) and object == DELIVERY:
            raise ConfigError(["a delivery is brought as a whole: leave --field and --provider out"])
        verb = "Approve" if stand is Stand.APPROVED else "Reject"
        records = counted(len(chosen), "record")
        if len(chosen) > 1 and not yes and not agreed(f"{verb} the changes of {records}?"):
            err.say(f"nothing was decided: {records}. Next: the same with --yes, or with IDs")
            return FAILED
        for proposal in chosen:
            await decide_proposal(ledger, name, proposal, stand)
    said = f"{len(chosen)} {'record' if len(chosen) == 1 else 'records'} {stand}; the next visit carries it out"
    report({str(stand): [one.id for one in chosen]}, said, as_json=as_json)
    return DONE


def _refuse_unknown(what: str, wanted: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(wanted) - set(known)):
        raise ConfigError([f"no {what} {', '.join(unknown)} is proposed there; proposed: {', '.join(sorted(known))}"])


@as_command(app, "approve")
async def review_approve(
    crm: CrmName,
    object: ObjectName,
    ids: Ids = None,
    fields: Fields = None,
    providers: Providers = None,
    yes: ForAll = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Approve proposals; the next visits write them under the ordinary rules."""
    wanted = WordOn(crm, object, ids or (), fields or (), providers or ())
    return await run_review_decide(config, Stand.APPROVED, wanted, yes=yes, as_json=as_json)


@as_command(app, "reject")
async def review_reject(
    crm: CrmName,
    object: ObjectName,
    ids: Ids = None,
    fields: Fields = None,
    providers: Providers = None,
    yes: ForAll = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Reject these proposals. Refill leaves the fields alone until you run `refill replay`."""
    wanted = WordOn(crm, object, ids or (), fields or (), providers or ())
    return await run_review_decide(config, Stand.REJECTED, wanted, yes=yes, as_json=as_json)
