"""Long work says how far it is, how fast, and how long the rest takes: for people, and never in the way."""

from __future__ import annotations

import io
import itertools

from worker.commands.meter import Meter
from worker.commands.terminal import Terminal


def shown(*, terminal: bool, width: int = 80, quiet: bool = False, hushed: bool = False, step_s: float = 3.0) -> str:
    """Returns what a hundred rows leave on standard error, three seconds each."""
    file = io.StringIO()
    where, clock = Terminal(file=file, force_terminal=terminal, width=width, no_color=True), itertools.count(0, step_s)
    where.hushed = hushed
    with Meter("rows", where, quiet=quiet, now=lambda: float(next(clock))) as meter:
        for done in range(101):
            meter.at(done, 100, "12 values")
    return file.getvalue()


def test_a_pipe_gets_a_plain_line_now_and_then_with_rate_and_time_left() -> None:
    lines = shown(terminal=False).splitlines()
    assert 20 <= len(lines) <= 30
    assert lines[0] == "3 of 100 rows, 12 values, 0.3 rows/s, 4m 51s left"
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_a_terminal_keeps_one_line_that_fits_and_takes_it_away() -> None:
    text = shown(terminal=True, width=30)
    parts = text.split("\r\x1b[K")
    assert max(map(len, parts)) < 30
    assert "\n" not in text
    assert parts[-1] == ""


def test_who_wants_quiet_has_it() -> None:
    assert shown(terminal=False, quiet=True) == shown(terminal=True, hushed=True) == ""


def test_no_end_is_told_where_nobody_knows_it() -> None:
    meter = Meter("records", Terminal(file=io.StringIO()))
    assert meter.line(50, None, "looking for more", 10.0) == "50 records, looking for more, 5.0 records/s"
    assert meter.line(0, 10, "", 10.0) == "0 of 10 records"


def test_what_was_done_before_it_began_counts_for_no_rate() -> None:
    clock = iter((0.0, 0.0, 100.0))
    meter = Meter("records", Terminal(file=io.StringIO(), force_terminal=False), now=lambda: next(clock))
    meter.at(1_000, 2_000)
    assert meter.line(1_100, 2_000, "", 10.0) == "1100 of 2000 records, 10.0 records/s, 1m 30s left"
