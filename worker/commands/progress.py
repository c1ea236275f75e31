"""Shows how far a run is, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from rich.live import Live

from worker.commands.session import err
from worker.manual.endings import RunEnding
from worker.manual.exit_codes import FAILED
from worker.manual.follow import Progress


def failed(sentence: str) -> int:
    """Says one sentence on standard error; returns the exit code that goes with it."""
    err.say(sentence, style="red")
    return FAILED


def say(ending: RunEnding) -> None:
    """Says the sentences of an ending on standard error."""
    for sentence in ending.sentences():
        err.say(sentence)


class _Shown:
    """Represents a line that is kept up to date while a pass runs."""

    def __init__(self, live_: Live) -> None:
        self._live = live_

    def __call__(self, progress: Progress) -> None:
        figures = progress.figures
        credits = ", ".join(f"{name} {count}" for name, count in progress.credits.items()) or "none"
        self._live.update(
            f"records {figures.records}  open {progress.open}  waiting {progress.waiting}  "
            f"filled {sum(figures.filled.values())}  left {sum(figures.unfilled.values())}  credits: {credits}"
            + ("  looking for more" if progress.looking else "")
        )


def live(*, as_json: bool) -> _LiveShow | nullcontext[Callable[[Progress], None] | None]:
    """Returns a live display on a terminal, nothing elsewhere."""
    if as_json or err.hushed or not err.is_terminal:
        return nullcontext(None)
    return _LiveShow()


class _LiveShow:
    def __enter__(self) -> Callable[[Progress], None]:
        self._live = Live("", console=err, refresh_per_second=8, transient=True)
        self._live.__enter__()
        return _Shown(self._live)

    def __exit__(self, *raised: object) -> None:
        self._live.__exit__(None, None, None)
