"""Provides the command line: names, options and exit codes. What a command does is in ``worker.commands``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from config.problems import ConfigError
from worker.commands.lazy import by_hand
from worker.manual.passes import PATIENCE_S

app = typer.Typer(
    name="refill",
    help="Keeps CRM records filled: finds gaps, looks them up, writes only blanks, pays for an answer once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path | None, typer.Option("--config", help="refill.toml (default: REFILL_CONFIG, ./refill.toml)")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")]
CrmName = Annotated[str, typer.Argument(metavar="CRM")]
ObjectName = Annotated[str, typer.Argument(metavar="OBJECT", help="contact, lead or delivery.")]
RecordId = Annotated[str, typer.Argument(metavar="ID")]
AnyCrm = Annotated[str | None, typer.Argument(metavar="[CRM]")]
AnyObject = Annotated[str | None, typer.Argument(metavar="[OBJECT]")]
AnyId = Annotated[str | None, typer.Argument(metavar="[ID]")]
KINDS = "linkedin, phone, email, domain, name, blank, title, person, profile"
PORTS = 9100
Faults = Literal["none", "light", "medium", "heavy"]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"refill {version('refill')}")
        raise typer.Exit


@app.callback()
def refill(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say which version this is.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no warnings on standard error.")
    ] = False,
) -> None:
    """Handles the options that stand before a command."""
    if quiet:
        from worker.commands.session import err

        err.hushed = True


@app.command()
def worker(config: Config = None) -> None:
    """Run a worker: polls, visits, deliveries. Several may share one Redis."""
    from worker.commands.worker import run_worker

    _exit(asyncio.run(run_worker(config)))


@app.command()
def sync(
    config: Config = None,
    full: Annotated[bool, typer.Option(help="Look at every watched record, not only the changed ones.")] = False,
    record: Annotated[tuple[str, str, str] | None, typer.Option(help="Only this one: CRM OBJECT ID.")] = None,
    max_credits: Annotated[int | None, typer.Option(min=0, help="Spend at most this many credits.")] = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for what cannot go on yet.")] = PATIENCE_S,
    plan: Annotated[Path | None, typer.Option(help="Fill what this saved plan says, and nothing else.")] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Run one pass: bring in what changed, fill it, say what was done and what is left.

    Exit codes: 0 done, 1 a vendor was not asked, 3 dead letters remain, 4 work is left.
    """
    from worker.commands.sync import run_sync
    from worker.manual.passes import Pass

    if plan is not None and (full or record is not None):
        raise ConfigError(["--plan says which records are looked at: give it without --full and --record"])
    wanted = Pass(full, record, max_credits, patience, plan)
    _exit(asyncio.run(run_sync(config, wanted, as_json=as_json, verbose=verbose)))


@app.command()
def plan(
    crm: Annotated[str, typer.Option(help="Only this crm.")] = "",
    object: Annotated[str, typer.Option(help="Only this object: contact, lead.")] = "",
    record: Annotated[tuple[str, str, str] | None, typer.Option(help="Only this one: CRM OBJECT ID.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop at this many records with something to do.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write it to this file, for refill sync --plan.")] = None,
    details: Annotated[bool, typer.Option("--details", help="A block for each record, too.")] = False,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a record, then the totals.")] = False,
) -> None:
    """Show what a pass would look up, write and cost. Nothing is bought, nothing is written.

    Exit codes: 0 done, 1 a crm could not be read.
    """
    from worker.commands.plan import PlanAsked, PlanShown, run_plan

    asked = PlanAsked(crm, object, record, limit)
    how = PlanShown(details=details or record is not None, as_json=as_json, save=save)
    _exit(asyncio.run(run_plan(config, asked, how)))


@app.command()
def demo(
    records: Annotated[int, typer.Option(min=1, help="People in each CRM.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    as_json: Json = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything up for a look.")] = False,
) -> None:
    """See it work: imitated vendors, a seeded CRM, a real pass, and a second one that costs nothing."""
    from worker.commands.demo import run_demo

    _exit(asyncio.run(run_demo(records=records, seed=seed, as_json=as_json, keep=keep)))


@app.command()
def init(
    folder: Annotated[Path, typer.Option(help="Where refill.toml and .env are written.")] = Path(),
    crm: Annotated[Literal["hubspot", "salesforce"] | None, typer.Option(help="Which kind of CRM.")] = None,
    name: Annotated[str, typer.Option(help="Its name: small letters, digits, single underscores.")] = "",
    base_url: Annotated[str, typer.Option(help="The org's own address; Salesforce only.")] = "",
    auth: Annotated[str, typer.Option(help="token, oauth; jwt, client_credentials, refresh_token.")] = "",
    object: Annotated[list[str] | None, typer.Option(help="contact or lead; may be repeated.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field to fill; may be repeated.")] = None,
    linkedin: Annotated[str, typer.Option(help="The property with the LinkedIn address.")] = "",
    budget: Annotated[list[str] | None, typer.Option(help="PROVIDER=DAY or PROVIDER=DAY/MONTH, in credits.")] = None,
    account_id: Annotated[int | None, typer.Option(min=1, help="Your account's number at Forager.")] = None,
    mode: Annotated[Literal["observe", "review", "auto"] | None, typer.Option(help="Default: observe.")] = None,
    blank_values: Annotated[
        bool | None, typer.Option("--blank-values/--no-blank-values", help="N/A and the like count as blank.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a refill.toml that is there.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: defaults, and secrets from the environment.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Write it without trying it.")] = False,
    as_json: Json = False,
) -> None:
    """Write a first configuration: asks, tries it at the vendors, then writes refill.toml and .env.

    Without a terminal nothing is asked: options and the environment say it all, and what is missing is told.
    """
    from worker.commands.init import InitAsked, run_init

    asked = InitAsked(
        folder=folder,
        kind=crm or "",
        name=name,
        base_url=base_url,
        auth=auth,
        objects=object or (),
        fields=field or (),
        linkedin_property=linkedin,
        budgets=budget or (),
        account_id=account_id,
        mode=mode or "",
        blank_values=blank_values,
        replace=replace,
        yes=yes,
        offline=offline,
    )
    _exit(run_init(asked, as_json=as_json))


@app.command("csv")
def csv_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table with a header and a row for each person.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where the filled table is written.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="FIELD=COLUMN (name or number); may be repeated.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field to fill; may be repeated.")] = None,
    accept: Annotated[list[str] | None, typer.Option(help="Grades of e-mails to take; default: valid.")] = None,
    region: Annotated[str, typer.Option(help="Where a number without + is at home, such as DE.")] = "",
    header: Annotated[bool, typer.Option("--header/--no-header", help="Whether the first row names columns.")] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="Look up this many rows with gaps at most.")] = None,
    max_credits: Annotated[int | None, typer.Option(min=0, help="Spend at most this many credits.")] = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for what cannot go on yet.")] = PATIENCE_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked; send and write nothing.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an output that is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Fill the blanks of a CSV, with provider keys and no CRM; run it again to go on, nothing is paid twice.

    Exit codes: 0 done, 1 failed, 2 wrong use, 4 rows are left: the sentence says what they wait for.
    """
    from worker.commands.fill_csv import CsvAsked, run_csv

    asked = CsvAsked(
        file=file,
        output=output,
        columns=column or (),
        fields=field or (),
        accept=accept or (),
        region=region,
        header=header,
        limit=limit,
        max_credits=max_credits,
        patience_s=patience,
        dry_run=dry_run,
        replace=replace,
    )
    _exit(asyncio.run(run_csv(config, asked, as_json=as_json, quiet=quiet)))


@app.command()
def sandbox(
    folder: Annotated[Path, typer.Option(help="Where refill.toml and .env for it are written.")] = Path(
        "refill-sandbox"
    ),
    records: Annotated[int, typer.Option(min=1, help="People in each CRM.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    port_base: Annotated[int, typer.Option(help="First of five ports.")] = PORTS,
    faults: Annotated[Faults, typer.Option(help="How often vendors fail, drawn by the seed.")] = "none",
) -> None:
    """Serve the vendor imitations and print a configuration for them."""
    from worker.commands.sandbox import run_sandbox

    _exit(asyncio.run(run_sandbox(folder, records=records, seed=seed, port_base=port_base, faults=faults)))


# ---- the web process ---------------------------------------------------------------------------------------------


@app.command()
def web(config: Config = None) -> None:
    """Serve health, readiness and metrics of all that works on this Redis."""
    from worker.commands.web import run_web

    _exit(asyncio.run(run_web(config)))


@app.command()
def up(config: Config = None) -> None:
    """Run a worker and the web process in one: the whole daemon."""
    from worker.commands.up import run_up

    _exit(asyncio.run(run_up(config)))


# ---- looking -----------------------------------------------------------------------------------------------------


@app.command()
def status(config: Config = None, as_json: Json = False) -> None:
    """Tells where everything stands: work, credits, pauses, polls, workers."""
    from worker.commands.status import run_status

    _exit(asyncio.run(run_status(config, as_json=as_json)))


@app.command()
def check(config: Config = None, as_json: Json = False) -> None:
    """Verify configuration, Redis, every credential and every mapped property; say what to do."""
    from worker.commands.check import run_check

    _exit(asyncio.run(run_check(config, as_json=as_json)))


@app.command()
def explain(crm: CrmName, object: ObjectName, id: RecordId, config: Config = None, as_json: Json = False) -> None:
    """Tells why one record is as it is: where it stands, what was asked and written, what a visit would do now."""
    from worker.commands.explain import run_explain

    _exit(asyncio.run(run_explain(config, crm, object, id, as_json=as_json)))


@app.command()
def advise(config: Config = None, as_json: Json = False) -> None:
    """Show what each provider brings at what price, and the order that would have been cheapest.

    Asks nobody and changes nothing.
    """
    from worker.commands.advise import run_advise

    _exit(asyncio.run(run_advise(config, as_json=as_json)))


@app.command()
def read(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help=KINDS)] = None,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Two for person and profile.")] = None,
    country: Annotated[
        list[str] | None, typer.Option(help="Where a number without + is at home; may be repeated.")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Answer JSON lines from standard input, one for one.")] = False,
    as_json: Json = False,
) -> None:
    """Tells how one value is read: the slug, the number, the domain. Needs no configuration."""
    from worker.commands.read import run_lines, run_read

    if lines and kind is None:
        _exit(run_lines(sys.stdin.buffer, sys.stdout.buffer))
    if lines or kind is None:
        raise ConfigError(["give a kind and a text, or --lines: not both, not neither"])
    _exit(run_read(kind, texts or [], country or [], as_json=as_json))


# ---- deciding ----------------------------------------------------------------------------------------------------

dead = typer.Typer(help="Records that failed too often and wait for a person.", no_args_is_help=True)
uncertain = typer.Typer(help="Lookups that were perhaps charged.", no_args_is_help=True)
suppress = typer.Typer(help="People and companies that are never looked up, made or written.", no_args_is_help=True)
review = typer.Typer(help="Changes that wait for your word, where mode is review.", no_args_is_help=True)
app.add_typer(dead, name="dead")
app.add_typer(review, name="review")
app.add_typer(suppress, name="suppress")
app.add_typer(uncertain, name="uncertain")

Everything = Annotated[bool, typer.Option("--all", help="Those of every crm.")]


@dead.command("list")
def dead_list(crm: AnyCrm = None, object: AnyObject = None, config: Config = None, as_json: Json = False) -> None:
    """List dead letters with their reasons, oldest first."""
    from worker.commands.dead import run_dead_list

    _exit(asyncio.run(run_dead_list(config, crm, object, as_json=as_json)))


@dead.command("show")
def dead_show(crm: CrmName, object: ObjectName, id: RecordId, config: Config = None, as_json: Json = False) -> None:
    """Show one dead letter: reason, attempts, since when, run, changes that were open."""
    from worker.commands.dead import run_dead_show

    _exit(asyncio.run(run_dead_show(config, crm, object, id, as_json=as_json)))


@dead.command("replay")
def dead_replay(
    crm: AnyCrm = None,
    object: AnyObject = None,
    id: AnyId = None,
    everything: Everything = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Visit dead letters again, with all attempts before them."""
    from worker.commands.dead import run_dead_replay

    _names_something(crm, everything=everything)
    _exit(asyncio.run(run_dead_replay(config, (crm, object, id), as_json=as_json)))


@dead.command("drop")
def dead_drop(
    crm: AnyCrm = None,
    object: AnyObject = None,
    id: AnyId = None,
    everything: Everything = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give dead letters up: they leave the work, what was open goes to the journal."""
    from worker.commands.dead import run_dead_drop

    _names_something(crm, everything=everything)
    _exit(asyncio.run(run_dead_drop(config, (crm, object, id), as_json=as_json)))


def _names_something(crm: str | None, *, everything: bool) -> None:
    if (crm is None) is not everything:
        raise ConfigError(["name a crm, an object, an id, or give --all: not both, not neither"])


@app.command()
def replay(crm: CrmName, object: ObjectName, id: RecordId, config: Config = None, as_json: Json = False) -> None:
    """Look at a record again whatever was remembered, and reopen fields whose value was refused."""
    from worker.commands.replay import run_replay

    _exit(asyncio.run(run_replay(config, crm, object, id, as_json=as_json)))


@app.command()
def backfill(
    crm: CrmName,
    object: ObjectName,
    limit: Annotated[int | None, typer.Option(min=1, help="Visit this many records, then stop.")] = None,
    max_credits: Annotated[int | None, typer.Option(min=0, help="Spend at most this many credits.")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the one under way, to be taken up later.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Walk over every record a crm has; Ctrl-C stops, and the same command goes on from there."""
    from worker.commands.backfill import Walk, run_backfill, run_stop

    if stop:
        _exit(asyncio.run(run_stop(config, crm, object, as_json=as_json)))
    _exit(asyncio.run(run_backfill(config, Walk(crm, object, limit, max_credits), as_json=as_json)))


@app.command()
def pause(
    target: Annotated[str, typer.Argument(metavar="CRM|PROVIDER|all")],
    why: Annotated[str, typer.Option(help="A sentence that status shows.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Do nothing more at a crm or a provider until it is resumed."""
    from worker.commands.pause import run_pause

    _exit(asyncio.run(run_pause(config, target, why, as_json=as_json)))


@app.command()
def resume(
    target: Annotated[str, typer.Argument(metavar="CRM|PROVIDER|all")], config: Config = None, as_json: Json = False
) -> None:
    """Lift every reason a crm or a provider is paused for."""
    from worker.commands.resume import run_resume

    _exit(asyncio.run(run_resume(config, target, as_json=as_json)))


@app.command()
def setup(
    crm: CrmName,
    yes: Annotated[bool, typer.Option("--yes", help="Go on without being asked.")] = False,
    out: Annotated[Path | None, typer.Option(help="A folder for what Salesforce deploys, instead of a print.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check our custom properties of a crm: show what is missing, and create it or print what to deploy."""
    from worker.commands.setup import run_setup

    _exit(asyncio.run(run_setup(config, crm, out, yes=yes, as_json=as_json)))


@uncertain.command("list")
def uncertain_list(config: Config = None, as_json: Json = False) -> None:
    """List lookups without a clear end, longest first."""
    from worker.commands.uncertain import run_uncertain_list

    _exit(asyncio.run(run_uncertain_list(config, as_json=as_json)))


@uncertain.command("resolve")
def uncertain_resolve(
    id: RecordId,
    ask_again: Annotated[bool, typer.Option("--ask-again", help="The question may be paid for once more.")] = False,
    charged: Annotated[bool, typer.Option("--charged/--uncharged", help="What the provider's bill says.")] = True,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what became of one, by the provider's own bill."""
    from worker.commands.uncertain import run_uncertain_resolve

    _exit(asyncio.run(run_uncertain_resolve(config, id, ask_again=ask_again, charged=charged, as_json=as_json)))


# ---- providers by hand ---------------------------------------------------------------------------------------------

app.add_typer(by_hand("Forager by hand: people, companies, jobs, contact data, credits, keys."), name="forager")
app.add_typer(by_hand("Kaspr by hand: profiles, address patterns, employees, credits."), name="kaspr")
app.add_typer(by_hand("OpenProspect by hand: orders, searches, blacklists, what it delivers."), name="openprospect")


@app.command()
def reconcile(config: Config = None, as_json: Json = False) -> None:
    """Compare our ledger with the providers' books. Exit code 1 while a difference keeps a provider paused."""
    from worker.commands.reconcile import run_reconcile

    _exit(asyncio.run(run_reconcile(config, as_json=as_json)))


@review.command("list")
def review_list(
    crm: AnyCrm = None,
    object: AnyObject = None,
    by: Annotated[Literal["field", "provider", "company"] | None, typer.Option(help="Sums instead of lines.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show every proposed change, before and after; of deliveries also the rows to be made."""
    from worker.commands.review import run_review_list

    _exit(asyncio.run(run_review_list(config, crm, object, by, as_json=as_json)))


Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Default: everything proposed.")]
Fields = Annotated[list[str] | None, typer.Option("--field", help="Only this field; may be repeated.")]


ForAll = Annotated[bool, typer.Option("--yes", help="Decide about more than one record without asking.")]


@review.command("approve")
def review_approve(
    crm: CrmName,
    object: ObjectName,
    ids: Ids = None,
    fields: Fields = None,
    yes: ForAll = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write what is proposed, by the ordinary rules."""
    from worker.commands.review import WordOn, run_review_decide
    from worker.ledger.journal.reviews import Stand

    wanted = WordOn(crm, object, ids or (), fields or ())
    _exit(asyncio.run(run_review_decide(config, Stand.APPROVED, wanted, yes=yes, as_json=as_json)))


@review.command("reject")
def review_reject(
    crm: CrmName,
    object: ObjectName,
    ids: Ids = None,
    fields: Fields = None,
    yes: ForAll = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Reject these proposals. Refill leaves the fields alone until you run `refill replay`."""
    from worker.commands.review import WordOn, run_review_decide
    from worker.ledger.journal.reviews import Stand

    wanted = WordOn(crm, object, ids or (), fields or ())
    _exit(asyncio.run(run_review_decide(config, Stand.REJECTED, wanted, yes=yes, as_json=as_json)))


# ---- people's rights ---------------------------------------------------------------------------------------------

Values = Annotated[list[str], typer.Argument(metavar="VALUE...", help="An e-mail, phone, LinkedIn profile or domain.")]
OfKind = Annotated[Literal["email", "slug", "phone", "domain"] | None, typer.Option(help="Read each value as this.")]
Country = Annotated[list[str] | None, typer.Option(help="Where a number without + is at home; may be repeated.")]
Why = Annotated[str, typer.Option(help="A few words that the list shows; no personal data.")]


@suppress.command("add")
def suppress_add(
    values: Values,
    kind: OfKind = None,
    country: Country = None,
    why: Why = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Stop looking up, making or writing these; what a visit has under way ends without them."""
    from worker.commands import suppress as command

    read = command.ValueReading(kind or "", tuple(country or ()))
    _exit(asyncio.run(command.run_add(config, values, read, why, as_json=as_json)))


Person = Annotated[
    list[str] | None, typer.Argument(metavar="[PERSON]...", help="An e-mail, phone or LinkedIn profile of one person.")
]
Record = Annotated[tuple[str, str, str] | None, typer.Option("--record", help="One record: CRM OBJECT ID.")]


@app.command()
def report(
    person: Person = None,
    record: Record = None,
    kind: OfKind = None,
    country: Country = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show everything held about a person: what, from whom, when, why, on which records, at what price."""
    from worker.commands import report as command
    from worker.commands.suppress import ValueReading

    asked = command.PersonAsked(tuple(person or ()), ValueReading(kind or "", tuple(country or ())), record)
    _exit(asyncio.run(command.run_report(config, asked, as_json=as_json)))


@app.command()
def forget(
    person: Person = None,
    record: Record = None,
    kind: OfKind = None,
    country: Country = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Erase a person from answers, journal, work, deliveries, spool, archive and Redis' files; hashes stay.

    Nobody looks them up or makes them again. Exit code 1: something is left, or a crm was not asked; run it again.
    """
    from worker.commands import forget as command
    from worker.commands.report import PersonAsked
    from worker.commands.suppress import ValueReading

    asked = PersonAsked(tuple(person or ()), ValueReading(kind or "", tuple(country or ())), record)
    _exit(asyncio.run(command.run_forget(config, asked, yes=yes, as_json=as_json)))


@app.command()
def notices(
    crm: AnyCrm = None,
    record: Record = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only who was not informed yet.")] = False,
    mark: Annotated[Literal["informed"] | None, typer.Option(help="Note that the people listed were informed.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Note more than one without asking.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List the people whose data was bought: since when, from whom, which fields, informed or not (GDPR, Art. 14)."""
    from worker.commands import notices as command

    chosen = command.Chosen(crm, record, only_open)
    _exit(asyncio.run(command.run_notices(config, chosen, mark=mark is not None, yes=yes, as_json=as_json)))


@suppress.command("list")
def suppress_list(config: Config = None, as_json: Json = False) -> None:
    """List every entry, oldest first: hashes, since a list of names would be one of people to forget."""
    from worker.commands import suppress as command

    _exit(asyncio.run(command.run_list(config, as_json=as_json)))


@suppress.command("remove")
def suppress_remove(
    values: Annotated[list[str], typer.Argument(metavar="VALUE|HASH...", help="A value, or what the list shows.")],
    kind: OfKind = None,
    country: Country = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take values off the list: they may be looked up, made and written again."""
    from worker.commands import suppress as command

    _exit(
        asyncio.run(
            command.run_remove(config, values, command.ValueReading(kind or "", tuple(country or ())), as_json=as_json)
        )
    )


@suppress.command("import")
def suppress_import(
    file: Annotated[
        Path, typer.Argument(help="One value a line, the first column of a CSV, or an export; - is stdin.")
    ],
    kind: OfKind = None,
    country: Country = None,
    why: Why = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a whole file on the list, or nothing of it when a line cannot be read."""
    from worker.commands import suppress as command

    read = command.ValueReading(kind or "", tuple(country or ()))
    _exit(asyncio.run(command.run_import(config, file, read, why, as_json=as_json)))


@suppress.command("export")
def suppress_export(config: Config = None) -> None:
    """Write the list to standard output as JSON lines, for an installation with the same REFILL_SECRET_KEY."""
    from worker.commands import suppress as command

    _exit(asyncio.run(command.run_export(config)))


# ---- the journal -------------------------------------------------------------------------------------------------

journal = typer.Typer(help="Every change, lookup and refusal: what, from whom, why, before and after, at what price.")
app.add_typer(journal, name="journal")

RunName = Annotated[str, typer.Option("--run", help="Only this run's.")]
Since = Annotated[str, typer.Option(help="From this time on: 2026-11-28, 2026-11-28T09:30 (UTC), or an age: 90m, 2d.")]


@journal.callback(invoke_without_command=True)
def journal_list(
    context: typer.Context,
    run: RunName = "",
    record: Record = None,
    crm: Annotated[str, typer.Option(help="Only this crm's.")] = "",
    provider: Annotated[str, typer.Option(help="Only what came from this provider.")] = "",
    field: Annotated[str, typer.Option(help="Only this field, or this operation of a lookup.")] = "",
    reason: Annotated[str, typer.Option(help="Only entries whose reason contains these words.")] = "",
    since: Since = "",
    until: Annotated[str, typer.Option(help="Before this time, written as for --since.")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV; no cell of it is run as a formula.")] = False,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")] = False,
) -> None:
    """List or export every change, lookup and refusal, oldest first, the archive's too."""
    if context.invoked_subcommand is not None:
        return
    from worker.commands.journal import JournalAsked, run_journal

    if as_csv and as_json:
        raise ConfigError(["give --csv or --json, not both"])
    form = "csv" if as_csv else "json" if as_json else "text"
    asked = JournalAsked(run, record, crm, provider, field, reason, since, until, form, follow)
    _exit(asyncio.run(run_journal(config, asked)))


@journal.command("verify")
def journal_verify(config: Config = None, as_json: Json = False) -> None:
    """Check audit.jsonl: exit code 1 when a line is missing or was altered."""
    from worker.commands.journal import run_verify

    _exit(asyncio.run(run_verify(config, as_json=as_json)))


@app.command()
def undo(
    run: RunName = "",
    record: Record = None,
    since: Since = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go back; write nothing.")] = False,
    created: Annotated[bool, typer.Option("--created", help="Archive people that deliveries made, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Go on without being asked.")] = False,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for what cannot go on yet.")] = PATIENCE_S,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take back what a run did: each field that still holds our value and that nobody else has written since.

    What was undone is never written again until refill replay; an undo is a run, which can be undone.
    Exit codes: 0 done, what was left alone is listed; 1 nothing found; 4 records are left, for the workers.
    """
    from worker.commands.undo import UndoAsked, run_undo

    _exit(
        asyncio.run(run_undo(config, UndoAsked(run, record, since, dry_run, created, yes, patience), as_json=as_json))
    )


def _exit(code: int) -> None:
    raise typer.Exit(code)


def main(words: Sequence[str] | None = None) -> None:
    """Runs the console script: no traceback reaches a person for a mistake of theirs. ``words`` follow ``refill``."""
    try:
        app(words)
    except Exception as error:  # noqa: BLE001 - shown with its traceback, or as a sentence
        from worker.commands.failures import tell

        sys.exit(tell(error))


if __name__ == "__main__":
    main()
