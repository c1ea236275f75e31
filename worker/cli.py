"""Names the commands. Options, exit codes and what a command does are in its module in ``worker.commands``."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from worker.commands.lazy import CommandName, lazy_group

# Visits allocate much and leave next to nothing in cycles: looking for those after every 700 objects, as Python does by
# default, takes a tenth of a pass; a look after 200,000 stops every answer of a web process for a quarter of a second.
RARELY = (50_000, 20, 100)

_BEGIN = "Begin"
_RUN = "Run"
_LOOK = "Look"
_DECIDE = "Decide and fix"
_PEOPLE = "People's rights"
_BY_HAND = "Providers by hand"

COMMANDS = (
    CommandName(
        "demo", "See it work: imitated vendors, a seeded CRM, a pass, and a second one that costs nothing.", _BEGIN
    ),
    CommandName("sandbox", "Serve the vendor imitations and write a configuration for them.", _BEGIN),
    CommandName("init", "Write a first configuration: asks, tries it, then writes refill.toml and .env.", _BEGIN),
    CommandName("check", "Verify configuration, Redis, credentials, mapped properties; say what to do.", _BEGIN),
    CommandName(
        "setup", "Show which of our properties a crm lacks, and create them or write the files to deploy.", _BEGIN
    ),
    CommandName("plan", "Show what a pass would look up, write and cost. Nothing is bought or written.", _RUN),
    CommandName("sync", "Run one pass: take in changed records, fill them, report what is done and left.", _RUN),
    CommandName("backfill", "Walk over every record a crm has; the same command goes on after Ctrl-C.", _RUN),
    CommandName("csv", "Fill the blanks of a CSV, with provider keys and no CRM.", _RUN, "fill_csv"),
    CommandName("up", "Run a worker and the web process in one: the whole daemon.", _RUN),
    CommandName("worker", "Run a worker: polls, visits, deliveries. Several may share one Redis.", _RUN),
    CommandName("web", "Serve webhooks, the API, the page, health and metrics.", _RUN),
    CommandName("status", "Show the present state: work, credits, pauses, polls, workers.", _LOOK),
    CommandName("alerts", "Show open alerts, or send a test on every channel.", _LOOK),
    CommandName("explain", "Show the story of one record, and what a visit would do now.", _LOOK),
    CommandName("journal", "List every change, lookup and refusal: from whom, why, before and after, price.", _LOOK),
    CommandName("advise", "Show what each provider brings at what price, and the cheapest order.", _LOOK),
    CommandName("read", "Show how one value is read: the slug, the number, the domain.", _LOOK),
    CommandName("review", "List, approve or reject changes that await your approval.", _DECIDE),
    CommandName("undo", "Undo a run, as far as our values are still there.", _DECIDE),
    CommandName("replay", "Visit a record again, regardless of earlier visits.", _DECIDE),
    CommandName("dead", "List, replay or drop records that failed too often.", _DECIDE),
    CommandName("uncertain", "List and resolve lookups that may have been charged.", _DECIDE),
    CommandName("pause", "Pause a crm or a provider until it is resumed.", _DECIDE),
    CommandName("resume", "Lift every pause of a crm or a provider.", _DECIDE),
    CommandName("reconcile", "Compare our ledger with the providers' books.", _DECIDE),
    CommandName("suppress", "Keep people and companies from being looked up, created or written.", _PEOPLE),
    CommandName("report", "Show everything held about a person.", _PEOPLE),
    CommandName("forget", "Erase a person everywhere; hashes stay, so that nobody looks them up again.", _PEOPLE),
    CommandName("notices", "List the people whose data was bought, informed or not (GDPR, Art. 14).", _PEOPLE),
    CommandName("forager", "People, companies, jobs, contact data, credits, keys.", _BY_HAND, "providers.forager"),
    CommandName("kaspr", "Profiles, address patterns, employees, credits.", _BY_HAND, "providers.kaspr"),
    CommandName("openprospect", "Orders, searches, blacklists, deliveries.", _BY_HAND, "providers.openprospect"),
)

app = typer.Typer(
    name="refill",
    help="Keeps CRM records filled: finds gaps, looks them up, writes only blanks, pays for an answer once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=lazy_group(COMMANDS),
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

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


def main(words: Sequence[str] | None = None) -> None:
    """Runs the console script: no traceback reaches a person for a mistake of theirs. ``words`` follow ``refill``."""
    gc.disable()  # until everything is imported: `worker.commands.options` enables it
    gc.set_threshold(*RARELY)
    atexit.register(gc.freeze)  # or the interpreter's end walks over every module once more: 0.1 s
    try:
        app(words)
    except Exception as error:  # noqa: BLE001 - shown with its traceback, or as a sentence
        from worker.commands.failures import tell

        sys.exit(tell(error))


if __name__ == "__main__":
    main()
