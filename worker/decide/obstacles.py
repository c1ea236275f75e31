"""Decides what becomes of a delivery that a CRM keeps back for now: it waits for a row, for time, or for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.models import RefusalKind
from worker.decide.kept import LONGEST_MS, TRIES, growing_ms


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Represents something that could not be done, in a sentence, with the CRM's word on it.

    ``rows`` are those (object, id) whose change may end it; of a row that is still to be made there are none.
    """

    what: str
    kind: RefusalKind
    cause: str
    rows: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """Tells a person what was not done, and why."""
        return f"{self.what} ({self.cause})"

    @property
    def waits_for_rows(self) -> bool:
        """Tells whether a change of its rows ends it, and time does not."""
        return self.kind is RefusalKind.ROW and bool(self.rows)


def is_passing(kind: RefusalKind) -> bool:
    """Tells whether a refusal of this kind may end without anybody's look at the delivery."""
    return kind in {RefusalKind.ROW, RefusalKind.ORG, RefusalKind.ACCESS}


def next_look_ms(obstacles: Sequence[Obstacle], tries: int, *, has_problems: bool) -> int | None:
    """Returns how long a delivery waits until it is tried again by itself; ``None`` when a person has to look.

    ``tries`` is how often it has waited for time. What waits for a change of rows alone has no end: the look in between
    is for changes that leave a row's stamp alone, such as an owner who comes back.
    """
    timed = [one for one in obstacles if not one.waits_for_rows]
    if timed and tries < TRIES:
        return growing_ms(tries + 1)
    return None if timed or has_problems or not obstacles else LONGEST_MS
