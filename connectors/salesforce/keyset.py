"""Takes the poll's steps in the order of (SystemModstamp, Id). Pure.

Stamps have whole seconds and bulk writes share one, so ties are normal: a page begins behind the last row, not
behind its stamp.
"""

from __future__ import annotations

from connectors.models import Cursor


def opened(cursor: Cursor, now: int) -> Cursor:
    """Returns ``cursor`` with its pass's end.

    The one it walks already, else ``now``, or its start when that is later.
    """
    if cursor.end:
        return cursor
    return Cursor(start=cursor.start, end=max(now, cursor.start), stamp=cursor.start)


def stepped(cursor: Cursor, last: tuple[int, str] | None, full: bool, overlap_ms: int) -> Cursor:
    """Returns the cursor after a page that ended with ``last``: behind it, or at a next pass that overlaps this one.

    Raises:
        ValueError: a full page that leads nowhere, which would be asked for without end.
    """
    if not full:
        return Cursor(start=max(cursor.start, cursor.end - overlap_ms))
    if last is None or not last[0] or last <= (cursor.stamp, cursor.id):
        raise ValueError("a full page without a way on")
    return Cursor(cursor.start, cursor.end, *last)
