"""Declares the arguments and options that several commands have, and ends a command."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import typer

Body = TypeVar("Body", bound=Callable[..., Coroutine[Any, Any, int] | int])
Config = Annotated[Path | None, typer.Option("--config", help="refill.toml (default: REFILL_CONFIG, ./refill.toml)")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")]
CrmName = Annotated[str, typer.Argument(metavar="CRM")]
ObjectName = Annotated[str, typer.Argument(metavar="OBJECT", help="contact, lead or delivery.")]
RecordId = Annotated[str, typer.Argument(metavar="ID")]
AnyCrm = Annotated[str | None, typer.Argument(metavar="CRM")]
AnyObject = Annotated[str | None, typer.Argument(metavar="OBJECT")]
AnyId = Annotated[str | None, typer.Argument(metavar="ID")]
Target = Annotated[str, typer.Argument(metavar="CRM|PROVIDER|all")]


def _three_words(record: tuple[str, str, str] | None) -> tuple[str, str, str] | None:
    """Returns the record. If it was given in too few words, the next option is taken for a part of it."""
    if taken := next((word for word in record or () if word.startswith("-")), ""):
        raise typer.BadParameter(f"takes three words, CRM OBJECT ID, and not {taken}")
    return record


OneRecord = Annotated[
    tuple[str, str, str] | None,
    typer.Option("--record", metavar="CRM OBJECT ID", callback=_three_words, help="Only this record."),
]
MaxCredits = Annotated[int | None, typer.Option(min=0, metavar="CREDITS", help="Spend at most this many credits.")]
Patience = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Seconds to wait for records that cannot go on yet.")
]
Fields = Annotated[list[str] | None, typer.Option("--field", help="A field to fill; may be repeated.")]
GoOn = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]

# of a demonstration
People = Annotated[int, typer.Option("--records", min=1, help="People in each CRM.")]
Seed = Annotated[int, typer.Option(help="Another seed, other people.")]

# of people's rights
Person = Annotated[
    list[str] | None, typer.Argument(metavar="PERSON", help="An e-mail, phone or LinkedIn profile of one person.")
]
Record = Annotated[
    tuple[str, str, str] | None,
    typer.Option("--record", metavar="CRM OBJECT ID", callback=_three_words, help="One record."),
]
OfKind = Annotated[Literal["email", "slug", "phone", "domain"] | None, typer.Option(help="Read each value as this.")]
Country = Annotated[list[str] | None, typer.Option(help="Country of numbers without +; may be repeated.")]

# of the journal
RunName = Annotated[str, typer.Option("--run", help="Only this run's.")]
Since = Annotated[str, typer.Option(help="From this time on: 2026-11-28, 2026-11-28T09:30 (UTC), or an age: 90m, 2d.")]


def one_command() -> typer.Typer:
    """Returns an app for a module that is one command."""
    return typer.Typer(add_completion=False)


def group(help: str) -> typer.Typer:
    """Returns an app for a module of several commands under one name."""
    return typer.Typer(help=help, no_args_is_help=True, add_completion=False)


def as_command(app: typer.Typer, name: str | None = None) -> Callable[[Body], Body]:
    """Puts a function, async or not, under a name of ``app``; the command ends with the exit code that it returns."""

    def registered(body: Body) -> Body:
        @app.command(name)
        @wraps(body)
        def run(*args: Any, **kwargs: Any) -> NoReturn:
            gc.freeze()  # modules stay for good, so the collector leaves them out
            gc.enable()
            ended = body(*args, **kwargs)
            raise typer.Exit(ended if isinstance(ended, int) else asyncio.run(ended))

        return body

    return registered
