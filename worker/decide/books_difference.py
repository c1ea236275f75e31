"""Compares our account of a provider with its own: how far they are apart, and which open questions that answers.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Doubt(Struct, frozen=True):
    """Holds an uncertain lookup, with its highest possible cost."""

    ticket_id: str
    price: int


class Verdicts(Struct, frozen=True):
    """Says whether each lookup was charged.

    With ``mixed`` only how many is known, so none of them may be asked again.
    """

    charged: Mapping[str, bool] = {}
    mixed: bool = False


def outside(theirs: int, at_least: int, at_most: int) -> int:
    """Tells how far ``theirs`` lies outside the bounds of ours: above them positive, below them negative, within 0."""
    return theirs - at_most if theirs > at_most else min(0, theirs - at_least)


def verdicts(extra: int, doubts: Sequence[Doubt]) -> Verdicts:
    """Decides all uncertain lookups by ``extra`` credits on the provider's side, beyond the known charges.

    None of it, or all of it, decides each of them. With equal prices a part of it decides how many: the first ones
    then stand for those, which settles the credits.
    """
    if not doubts:
        return Verdicts()
    if extra in {0, sum(one.price for one in doubts)}:
        return Verdicts({one.ticket_id: extra > 0 for one in doubts})
    prices = {one.price for one in doubts}
    if len(prices) == 1 and 0 < extra < sum(one.price for one in doubts):
        count, rest = divmod(extra, prices.pop())
        if not rest:
            return Verdicts({one.ticket_id: place < count for place, one in enumerate(doubts)}, mixed=True)
    return Verdicts()
