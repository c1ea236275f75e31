"""Puts commands under a name without importing what they do: the root's help must not cost a second."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group


class LazyGroup(TyperGroup):  # Any: typer keeps the types of its click to itself
    """Loads the commands of ``worker.commands.providers.<name>`` when they are listed or run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of its commands."""
        return self._loaded().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return one of its commands."""
        return self._loaded().get_command(ctx, cmd_name)

    def _loaded(self) -> TyperGroup:
        return get_group(import_module(f"worker.commands.providers.{self.name}").app)


def by_hand(help: str) -> typer.Typer:
    """Return the commands of a provider by hand; the name they are added under says of which."""
    return typer.Typer(help=help, cls=LazyGroup, no_args_is_help=True)
