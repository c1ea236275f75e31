"""Measures the same world at growing sizes, Refill beside the bare loop (S7)."""

from __future__ import annotations

import sys
from typing import Any

from running import Contender, run
from worlds import World

SIZES = (1_000, 10_000, 100_000, 1_000_000)
WITHIN_S = 0.02  # for each record, many times what one takes: only a run that stands still is ended


def measured(records: int, blank: float, *, full: bool = False) -> dict[str, Any]:
    """Returns figures by size, up to `records` and with them; `blank` is the share of the rows that take a lookup.

    With `full` every row is read and looked at, otherwise HubSpot finds those that lack the value.
    """
    points = []
    for size in [*(one for one in SIZES if one < records), records]:
        point: dict[str, Any] = {"records": size, "blank": blank, "full": full}
        for name in ("floor", "refill"):
            world, within_s = World(size, {"blank": blank}), max(3600, WITHIN_S * size)
            figures = run(Contender(name, more={"full": full}), world, within_s=within_s)
            figures.pop("books")
            print(f"  {name} at {size}: {told(figures)}", file=sys.stderr, flush=True)
            point[name] = figures
        points.append(point)
    return {"points": points}


def told(figures: dict[str, Any]) -> str:
    """Returns the figures of one run in a line, so that those of a series that is interrupted are not lost."""
    shown = {name: round(value, 1) for name, value in figures.items() if not isinstance(value, str)}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def dense(records: int) -> dict[str, Any]:
    """Returns figures of a world in which every row takes a lookup."""
    return measured(records, 1.0)


def sparse(records: int) -> dict[str, Any]:
    """Returns figures of a world in which one row in fifty takes one, and HubSpot's search finds them."""
    return measured(records, 0.02)


def walk(records: int) -> dict[str, Any]:
    """Returns figures of a world in which one row in fifty takes one, and all are walked over."""
    return measured(records, 0.02, full=True)
