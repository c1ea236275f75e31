"""Implements ``forget``: erase a person everywhere, and remember by hashes alone never to look them up again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from worker.commands.options import Config, Country, Json, OfKind, Person, Record, as_command, one_command
from worker.commands.person import Somebody, somebody
from worker.commands.report import PersonAsked
from worker.commands.session import err, out, print_json, session, settings_of
from worker.commands.suppress import ValueReading
from worker.commands.tables import table
from worker.commands.terminal import agreed
from worker.decide.mentions import mentions
from worker.manual.exit_codes import DONE, FAILED
from worker.service.refresh_tokens import secret_key
from worker.upkeep.forget import Eraser, Forgotten
from worker.upkeep.traces import Traces, traces

app = one_command()


@as_command(app)
async def command(
    person: Person = None,
    record: Record = None,
    kind: OfKind = None,
    country: Country = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Erase a person everywhere; hashes stay, so that nobody looks them up again.

    Erases from answers, journal, work, deliveries, spool, archive and Redis' files.
    Nobody looks them up or makes them again. Exit code 1: something is left, or a crm was not asked; run it again.
    """
    asked = PersonAsked(tuple(person or ()), ValueReading(kind or "", tuple(country or ())), record)
    settings = settings_of(config)
    secret_key(settings)  # refuses if there is none: the person would be bought again
    async with session(settings) as runtime:
        who = await somebody(runtime, asked.texts, asked.reading, asked.record)
        says = mentions(who.handles)
        if who.unknown:
            return _unknown(who, as_json=as_json)
        if not yes:
            _show(who, await traces(runtime.ledger, says, settings.journal.archive_dir, who.refs))
            for line in who.set_apart():
                err.say(line)
            if not agreed("Erase all of this, and never look this person up again?"):
                err.say("nothing was erased; --yes erases without asking")
                return FAILED
        eraser = Eraser(runtime.ledger, runtime.lookups.suppressions, runtime.spool, settings.journal.archive_dir)
        ended = await eraser.forget(who.handles, says, who.refs, who.questions)
    if as_json:
        print_json(_json(who, ended))
    else:
        _show(who, ended.found)
        if ended.is_done:
            out.say("erased; the CRMs' own records are theirs to delete, and Refill leaves them alone")
    for line in (*who.set_apart(), *left(who, ended)):
        err.say(line)
    return DONE if ended.is_done and not who.not_asked else FAILED


def _unknown(who: Somebody, *, as_json: bool) -> int:
    """Says that nothing was erased, since a record alone does not show whose other records to erase."""
    if as_json:
        print_json(_json(who, Forgotten(Traces(), Traces())) | {"done": False})
    err.say(nobody_known(who))
    return FAILED


def nobody_known(who: Somebody) -> str:
    """Returns why nobody was erased, and the next step."""
    crm = next(crm for crm, _, _ in sorted(who.named) if crm in who.not_asked)
    return (
        f"nothing was erased: {crm} did not tell whose record that is ({who.not_asked[crm]}). "
        "Next: run this again, or name the person by an e-mail, a phone or a profile"
    )


def counts(found: Traces) -> dict[str, int]:
    """Counts the data kept, by kind."""
    kinds = Counter(one.provider for one in found.answers.values())
    return {
        "records": len(found.records),
        "journal": len(found.entries),
        **{f"answers.{name}": count for name, count in sorted(kinds.items())},
        "deliveries": len(found.rows),
        "open_changes": len(found.intents),
        "claims": sum(len(held) for held in found.claims.values()),
        "archived": len(found.archived),
    }


def _show(who: Somebody, found: Traces) -> None:
    rows = [(*ref, "yes" if ref in who.records else "no") for ref in sorted(found.records)]
    out.print(table("Records of this person", ("crm", "object", "id", "in the crm"), rows))
    kept = [(name.replace("_", " "), count) for name, count in counts(found).items()]
    out.print(table("Kept of them", ("what", "how many"), kept, figures=1))


def _json(who: Somebody, ended: Forgotten) -> dict[str, object]:
    return {
        "records": [dict(zip(("crm", "object", "id"), ref, strict=True)) for ref in sorted(ended.found.records)],
        "erased": counts(ended.found),
        "left": counts(ended.left) if ended.left else {},
        "busy": [" ".join(one) for one in ended.busy],
        "not_asked": sorted(who.not_asked),
        "done": ended.is_done,
    }


def left(who: Somebody, ended: Forgotten) -> Iterator[str]:
    """Yields a sentence for each thing that is still to do."""
    for name, why in sorted(who.not_asked.items()):
        yield f"{name} was not asked, so it may hold more records of this person:  {why}"
    for one in ended.busy:
        yield f"{' '.join(one)} is being visited: run this again in two minutes"
    if ended.left:
        yield f"something is left ({counts(ended.left)}): run this again"
    if ended.unarchived:
        yield f"the archive may still tell of them ({ended.unarchived}): look at journal.archive_dir, run this again"
    if ended.unwritten:
        yield "Redis has not written its files anew yet, so they may hold old bytes: run this again"
