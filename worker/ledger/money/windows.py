"""Finds where a period may be cut without cutting a call that was under way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def widened(window: Span, calls: Iterable[Span], bounds: Span, margin: int) -> Span:
    """Returns ``window`` with each end moved outwards to a moment at which no call was under way.

    A call (sent, answered) is under way from ``margin`` before it was sent to ``margin`` after it was answered. An end
    that would have to move past ``bounds`` stays unmoved. All times are in one unit; the work is n log n.
    """
    busy = merged((sent - margin, answered + margin) for sent, answered in calls)
    start, end = window
    first, last = bounds
    earlier = next((from_ for from_, to in busy if from_ < start < to), start)
    later = next((to for from_, to in busy if from_ < end < to), end)
    return (earlier if earlier >= first else start, later if later <= max(end, last) else end)


def merged(spans: Iterable[Span]) -> Sequence[Span]:
    """Returns the spans joined where they overlap, in order; two that only touch stay apart."""
    joined: list[Span] = []
    for from_, to in sorted(spans):
        if joined and from_ < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], to))
        else:
            joined.append((from_, to))
    return joined
