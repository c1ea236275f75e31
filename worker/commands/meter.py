"""Shows on standard error how far something long is, how fast it goes and how long the rest takes.

On a terminal that is one line, kept up to date and taken away at the end; in a pipe a plain line now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from config.plain import shown
from worker.commands.terminal import Terminal
from worker.reports.words import lasting

LIVE_S, PLAIN_S = 0.2, 10.0
_AWAY = "\r\x1b[K"


class Meter:
    """Shows the progress of ``unit``: rows, records, entries."""

    def __init__(
        self, unit: str, where: Terminal, *, quiet: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._unit, self._where, self._quiet, self._now = unit, where, quiet or where.hushed, now
        self._began = self._shown = now()
        self._first: int | None = None
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def at(self, done: int, total: int | None = None, more: str = "") -> None:
        """Notes the progress; ``total`` is ``None`` while unknown."""
        now = self._now()
        if self._first is None:
            self._first, self._began = done, now
        if self._quiet or now - self._shown < (LIVE_S if self._where.is_terminal else PLAIN_S):
            return
        self._shown = now
        line = self.line(done, total, more, now - self._began)
        if self._where.is_terminal:
            self._where.file.write(f"{_AWAY}{shown(line)[: max(1, self._where.width - 1)]}")
            self._where.file.flush()
            self._is_shown = True
        else:
            self._where.say(line)

    def line(self, done: int, total: int | None, more: str, seconds: float) -> str:
        """Returns the line: done of total, the rate, and the time left if it is known."""
        rate = (done - (self._first or 0)) / max(seconds, 0.001)
        words = [f"{done} of {total} {self._unit}" if total is not None else f"{done} {self._unit}"]
        words += [more] if more else []
        words += [f"{rate:.1f} {self._unit}/s"] if rate else []
        if total is not None and rate and total > done:
            words.append(f"{lasting(int((total - done) / rate * 1000))} left")
        return ", ".join(words)

    def __exit__(self, *raised: object) -> None:
        if self._is_shown:
            self._where.file.write(_AWAY)
            self._where.file.flush()
