"""Shows how far a run is, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from config.counts import counted
from config.settings import Settings
from worker.commands.meter import Meter
from worker.commands.session import err
from worker.manual.endings import RunEnding
from worker.manual.exit_codes import FAILED
from worker.manual.follow import Progress, Show


def failed(sentence: str) -> int:
    """Says one sentence on standard error; returns the exit code that goes with it."""
    err.say(sentence, style="red")
    return FAILED


def say(ending: RunEnding) -> None:
    """Says the sentences of an ending on standard error."""
    for sentence in ending.sentences():
        err.say(sentence)


def say_observed(settings: Settings, crms: Iterable[str]) -> None:
    """Names the crms that were left alone because they are only observed: figures of nought do not show why."""
    for name in crms:
        if settings.crm[name].mode == "observe":
            err.say(
                f"{name} is in the mode observe: nothing of it is looked up or written. Next: refill plan shows what "
                f"would be; set crm.{name}.mode to review or auto"
            )


@contextmanager
def live(*, as_json: bool) -> Iterator[Show | None]:
    """Yields the progress display of a run's records, ``None`` if it is not wanted."""
    if as_json or err.hushed:
        yield None
        return
    with Meter("records", err) as meter:

        def show(progress: Progress) -> None:
            figures = progress.figures
            total = None if progress.looking else figures.records + progress.open + progress.waiting
            meter.at(figures.records, total, _more(progress))

        yield show


def _more(progress: Progress) -> str:
    credits = ", ".join(f"{name} {count}" for name, count in progress.credits.items() if count)
    words = [counted(sum(progress.figures.filled.values()), "value"), f"credits {credits or 'none'}"]
    words += [f"{progress.waiting} waiting"] if progress.waiting else []
    words += ["looking for more"] if progress.looking else []
    return ", ".join(words)
