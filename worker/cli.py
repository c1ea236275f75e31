"""The command line: names, options and exit codes. What a command does is in ``worker.commands``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from config.problems import ConfigError
from connectors.errors import ConnectorError
from worker.commands import running, trying
from worker.commands.session import err, run
from worker.ledger.scripts import LedgerUnavailableError
from worker.sync import PATIENCE_S, Pass
from worker.trial import TrialError

app = typer.Typer(
    name="refill",
    help="Keeps CRM records filled: finds gaps, looks them up, writes only blanks, pays for an answer once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Config = Annotated[Path | None, typer.Option("--config", help="refill.toml (default: REFILL_CONFIG, ./refill.toml)")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")]


@app.command()
def worker(config: Config = None) -> None:
    """Run a worker: polls, visits, deliveries. Several may share one Redis."""
    _exit(run(running.run_worker(config)))


@app.command()
def sync(
    config: Config = None,
    full: Annotated[bool, typer.Option(help="Look at every watched record, not only the changed ones.")] = False,
    record: Annotated[tuple[str, str, str] | None, typer.Option(help="Only this one: CRM OBJECT ID.")] = None,
    max_credits: Annotated[int | None, typer.Option(min=0, help="Spend at most this many credits.")] = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for deferred records.")] = PATIENCE_S,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """One pass: bring in what changed, fill it, say what was done. Exit code 3 when dead letters exist."""
    wanted = Pass(full, record, max_credits, patience)
    _exit(run(running.run_sync(config, wanted, as_json=as_json, verbose=verbose)))


@app.command()
def demo(
    records: Annotated[int, typer.Option(min=1, help="People in each CRM.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    as_json: Json = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything up for a look.")] = False,
) -> None:
    """See it work: imitated vendors, a seeded CRM, a real pass, and a second one that costs nothing."""
    _exit(run(trying.run_demo(records=records, seed=seed, as_json=as_json, keep=keep)))


@app.command()
def sandbox(
    folder: Annotated[Path, typer.Option(help="Where refill.toml and .env for it are written.")] = Path(
        "refill-sandbox"
    ),
    records: Annotated[int, typer.Option(min=1, help="People in each CRM.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    port_base: Annotated[int, typer.Option(help="First of five ports.")] = trying.PORTS,
) -> None:
    """Serve the vendor imitations and print a configuration for them."""
    _exit(run(trying.run_sandbox(folder, records=records, seed=seed, port_base=port_base)))


def _exit(code: int) -> None:
    raise typer.Exit(code)


def main() -> None:
    """The console script: no traceback reaches a person for a mistake of theirs."""
    try:
        app()
    except ConfigError as error:
        for problem in error.problems:
            err.print(problem, style="red", highlight=False, markup=False)
        sys.exit(running.WRONG_USE)
    except TrialError as error:
        err.print(str(error), style="red", highlight=False, markup=False)
        sys.exit(running.FAILED)
    except LedgerUnavailableError as error:
        err.print(f"Redis went away ({error}): start it and try again; nothing was lost", style="red", markup=False)
        sys.exit(running.FAILED)
    except ConnectorError as error:
        err.print(str(error), style="red", highlight=False, markup=False)
        sys.exit(running.FAILED)


if __name__ == "__main__":
    main()
