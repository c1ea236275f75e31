"""Registers commands by name without importing them: the root's help must not cost a second."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import typer
from msgspec import Struct
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class CommandName(Struct, frozen=True):
    """Names a command: the module under ``worker.commands`` that holds its ``app``, and its first sentence."""

    name: str
    about: str
    panel: str
    module: str = ""


class LazyCommand(TyperCommand):  # Any: typer keeps the types of its click to itself
    """Stands for a command of which the root knows a name and a sentence, and imports it when it is called."""

    def __init__(self, named: CommandName) -> None:
        super().__init__(named.name, help=named.about, rich_help_panel=named.panel)
        self._module = f"worker.commands.{named.module or named.name}"

    def loaded(self) -> Any:
        """Returns the command itself, with its options or its own commands."""
        command = get_command(import_module(self._module).app)
        command.name = self.name
        _plain_flags(command)
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Reads a command line with the command's own options."""
        return self.loaded().make_context(info_name, args, parent, **extra)


def lazy_group(commands: Iterable[CommandName]) -> type[TyperGroup]:
    """Returns a group that holds ``commands`` by name."""

    class Root(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**{**attributes, "commands": {one.name: LazyCommand(one) for one in commands}})

        def get_params(self, ctx: Any) -> Any:
            found = super().get_params(ctx)
            _show_no_type(found)
            return found

    return Root


def _plain_flags(command: Any) -> None:
    _show_no_type((*command.params, command.get_help_option(typer.Context(command))))
    for one in getattr(command, "commands", {}).values():
        _plain_flags(one)


def _show_no_type(options: Iterable[Any]) -> None:
    """Takes the type from the help of what takes no value: ``--json``, not ``--json <bool>``."""
    for option in options:
        if getattr(option, "is_flag", False):
            option.metavar = ""


def whole(root: Any) -> Any:
    """Returns the root with every command loaded, for what walks the tree."""
    root.commands = {name: one.loaded() for name, one in root.commands.items()}
    return root
