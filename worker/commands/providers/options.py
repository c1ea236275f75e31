"""Declares the options that every command by hand has."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands.options import Config, group

__all__ = ["Config", "Filters", "Json", "Pages", "Total", "Yes", "group", "listing", "lists"]

Json = Annotated[bool, typer.Option("--json", help="JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
Pages = Annotated[int, typer.Option(min=1, max=50, help="Pages of ten to read; each one is paid for.")]
Total = Annotated[bool, typer.Option("--total", help="Only the number of results: an estimate, free.")]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", "-f", metavar="NAME=VALUE", help="Any filter of the provider's, lists as JSON."),
]


def listing(help: str) -> typer.Typer:
    """Returns commands under one name that lists when none is named."""
    return typer.Typer(help=help, invoke_without_command=True)


def lists(context: typer.Context, *given: object) -> bool:
    """Tells whether the listing itself was asked for; options of it before a command would be lost without a word."""
    if context.invoked_subcommand is None:
        return True
    if any(given):
        raise typer.BadParameter(f"options go after {context.invoked_subcommand}")
    return False
