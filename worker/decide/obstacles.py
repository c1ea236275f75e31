"""Decides what becomes of a delivery that a CRM keeps back for now: it waits for a row, for time, or for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.models import RefusalKind, WriteResult
from worker.decide.kept import TRIES, growing_ms


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Tells of something that could not be done, in a sentence, with the CRM's word on it.

    ``rows`` are those (object, id) whose change may end it; of a row that is still to be made there are none. ``asks``:
    a person has to look.
    """

    what: str
    kind: RefusalKind
    cause: str
    rows: tuple[tuple[str, str], ...] = ()
    asks: bool = False

    @property
    def sentence(self) -> str:
        """Tells a person what was not done, and why."""
        return f"{self.what} ({self.cause})"

    @property
    def waits_for_rows(self) -> bool:
        """Tells whether a change of its rows ends it: of their state, or in a field that a rule of the CRM requires."""
        return self.kind in {RefusalKind.ROW, RefusalKind.RULE} and bool(self.rows)

    @property
    def passes(self) -> bool:
        """Tells whether it may end without a person looking at the delivery.

        Of a row that is still to be made a state may (its owner comes back), and a rule does not.
        """
        return self.kind is RefusalKind.ROW or self.kind.passes or self.waits_for_rows


def is_kept_back(word: WriteResult) -> bool:
    """Tells whether a delivery waits for a value that a row did not take; others are left out.

    A property that our user may not write, or that an unknown code names, is left out; the rest of its row is written.
    """
    if word.kind in {RefusalKind.ACCESS, RefusalKind.UNKNOWN}:
        return not word.properties
    return word.kind in {RefusalKind.ROW, RefusalKind.RULE, RefusalKind.ORG}


def next_look_ms(obstacles: Sequence[Obstacle], tries: int, looks: int, *, has_problems: bool) -> int | None:
    """Returns the delay until a delivery is tried again; ``None`` when a person has to look.

    ``tries`` is how often it has waited for time, ``looks`` how often for a change of rows. A wait for rows alone has
    no end: the looks in between are for changes that leave a row's stamp alone, such as an owner who comes back or
    a rule that is taken away.
    """
    timed = [one for one in obstacles if not one.waits_for_rows]
    if timed and tries < TRIES:
        return growing_ms(tries + 1)
    asks = has_problems or any(one.asks for one in obstacles)
    return None if timed or asks or not obstacles else growing_ms(min(looks, TRIES) + 1)
