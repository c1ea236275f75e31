"""S7: the same world at growing sizes, Refill beside the bare loop, and the curve as a picture."""

from __future__ import annotations

import sys
from typing import Any

from running import Contender, run
from worlds import World

SIZES = [1_000, 10_000]
BLANK = 1.0


def measured(records: int) -> dict[str, Any]:
    """Figures by size; `records` is the largest, if it is not 0."""
    sizes = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= (records or SIZES[-1])]
    points = []
    for size in sizes:
        point: dict[str, Any] = {"records": size, "blank": BLANK}
        for name in ("floor", "refill"):
            figures = run(Contender(name, more={"patience": 30}), World(size, {"blank": BLANK}))
            figures.pop("books")
            print(f"  {name} at {size}: {figures['cpu_s']:.1f} s of CPU", file=sys.stderr, flush=True)
            point[name] = figures
        points.append(point)
    return {"points": points}
