from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from tests.contract import cells
from tests.harness.sandbox import Start, sandboxes


@pytest.fixture(scope="session")
def start_sandbox() -> Iterator[Start]:
    """``start_sandbox("forager")``: a running vendor without faults and with empty books."""
    with sandboxes() as start:
        yield start


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Repeats inside a call wait for nothing."""
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--contract-table", action="store_true", help="show each operation's cases and how they ended")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note which cell of the table a test is; the note travels with its report, from other processes too."""
    cell = cells.cell_of(item)
    if cell is not None:
        item.user_properties.append((cells.NOTE, cell))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--contract-table", default=False):
        return
    ended = {
        tuple(value): outcome == "passed"
        for outcome in ("passed", "failed", "error")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
        if name == cells.NOTE
    }
    terminalreporter.section("operations and cases")
    for line in cells.lines(ended):
        terminalreporter.write_line(line)
