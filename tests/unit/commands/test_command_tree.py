"""Every command of the tree keeps the rules of the terminal: help that fits, --json, nothing folded."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from worker.cli import COMMANDS, app
from worker.commands.lazy import CommandName, LazyCommand, whole
from worker.commands.tables import table
from worker.commands.terminal import Terminal

# Without --json: those that run until Ctrl-C and log JSON, and the one whose output is JSON lines anyway.
NO_JSON = {"worker", "web", "up", "sandbox", "suppress export"}
ID, NAME = "0035g0000000005AAA-and-a-very-long-tail-0123456789", "REFILL_PROVIDERS__FORAGER__API_KEY"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:  # typer hides its click's types
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from commands(command.get_command(None, name), (*path, name))
    if path and not (hasattr(command, "list_commands") and not command.invoke_without_command):
        yield " ".join(path), command


ROOT = whole(typer.main.get_command(app))  # built once: a group builds all of its commands for each call
TREE = dict(commands(ROOT))


@pytest.mark.parametrize("name", TREE)
def test_a_command_says_what_it_does_and_speaks_json(name: str) -> None:
    command = TREE[name]
    options = {word for parameter in command.params for word in parameter.opts}
    assert command.help, name
    assert command.help.strip().splitlines()[0].endswith((".", ":", ")")), command.help
    assert ("--json" in options) is (name not in NO_JSON)
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", ""), (name, parameter.name)


@pytest.mark.parametrize("named", COMMANDS, ids=lambda one: one.name)
def test_the_list_of_commands_says_what_each_says_of_itself(named: CommandName) -> None:
    assert LazyCommand(named).loaded().help.strip().splitlines()[0] == named.about


@pytest.mark.parametrize("name", ["", *TREE])
def test_help_fits_eighty_columns_and_cuts_no_word(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        ROOT.main([*name.split(), "--help"], prog_name="refill")
    assert ended.value.code == 0
    told = out.getvalue()
    assert "\x1b" not in told
    assert "<bool>" not in told
    assert max(map(len, told.splitlines())) <= 80
    assert "…" not in told
    for parameter in (TREE[name] if name else ROOT).params:
        for word in [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else ():
            assert re.search(rf"(^|\W){re.escape(word)}($|\W)", told), word


def shown(*, terminal: bool, width: int, rows: int = 2) -> str:
    console = Terminal(file=io.StringIO(), force_terminal=terminal, width=width, no_color=True)
    console.print(table("Records", ("crm", "id", "variable"), [("acme", ID, NAME)] * rows))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_wide_terminal_has_a_table_a_narrow_one_blocks_and_a_pipe_lines() -> None:
    assert "│" in shown(terminal=True, width=140)
    narrow = shown(terminal=True, width=80)
    assert "│" not in narrow
    assert f"id        {ID}\n" in narrow
    assert shown(terminal=False, width=80).splitlines() == [
        "Records",
        f"crm   {'id':<{len(ID)}}  variable",
        f"acme  {ID}  {NAME}",
        f"acme  {ID}  {NAME}",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 100, 200])
@pytest.mark.parametrize("terminal", [True, False])
def test_no_id_and_no_name_is_folded(width: int, *, terminal: bool) -> None:
    text = shown(terminal=terminal, width=width)
    assert text.count(ID) == 2
    assert text.count(NAME) == 2
