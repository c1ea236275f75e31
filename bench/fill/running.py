"""Runs one contender once on a new world and gives its figures by name."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import refill
from environments import REFILL, python_of
from servers import Counting, redis_server
from spending import spent_by
from worlds import Served, World

CONTENDERS = Path(__file__).with_name("contenders")
NEED_REDIS = {"arq_jobs", "celery_tasks"}
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contender:
    """Names a contender. `records` overrules the world's if a tool is too slow; `more` are further arguments for it."""

    name: str
    records: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)


def run(contender: Contender, world: World, lookups: int = 0, within_s: float = 3600) -> Figures:
    """Plays one run. `lookups` is how many paid calls the bare loop repeats; 0 asks once for each record."""
    if contender.records:
        world = World(contender.records, world.options, world.vendors)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-bench-")))
        served = stack.enter_context(world.served())
        counting = None
        if contender.name == REFILL or contender.name in NEED_REDIS:
            counting = stack.enter_context(redis_server(folder / "redis"))
        go = _refill if contender.name == REFILL else _other
        figures = go(contender, served, folder, counting, lookups, within_s)
        books = served.books()
        figures |= {name: books[name] for name in ("crm_calls", "asked", "charged", "writes", "refused")}
        figures["books"] = books
        figures |= counting.figures() if counting else {}
        return figures


def passing(contender: Contender, served: Served, folder: Path, redis_url: str) -> tuple[list[str], dict[str, str]]:
    """Returns Refill's command for a pass over a world, and its environment."""
    told = {**served.told, "gap": contender.more.get("gap", "email")}
    rates = {name: contender.more[name] for name in ("rate", "portal_rate") if name in contender.more}
    full = ["--full"] if contender.more.get("full") else []
    lookback = "1s" if full else "3650d"  # a walk sees every row; the poll before it only what changes meanwhile
    options = {"portal_rate": refill.OPEN, "lookback": lookback, **rates}
    env = refill.configured(folder, told, redis_url, **options)
    return refill.words("sync", *full, "--json", "--patience", str(contender.more.get("patience", 150))), env


def _refill(
    contender: Contender, served: Served, folder: Path, counting: Counting | None, lookups: int, within_s: float
) -> Figures:
    del lookups
    assert counting is not None
    words, env = passing(contender, served, folder, counting.url)
    spent = spent_by(words, folder, env, within_s)
    report = refill.report(spent.output, spent.said, (0, 1, 4), spent.code)
    return {
        "records": served.told["records"], "visited": report["records"], "cpu_s": spent.cpu_s, "wall_s": spent.wall_s,
        "peak_mb": spent.peak_mb,
    }  # fmt: skip


def _other(
    contender: Contender, served: Served, folder: Path, counting: Counting | None, lookups: int, within_s: float
) -> Figures:
    told = {"flight": 50, "jobs": 10, "pool": 2, "version": "66.0", **served.told, **contender.more}
    told |= {"redis": counting.url} if counting else {}
    told |= {"lookups": lookups} if lookups else {}
    words = [str(python_of(contender.name)), str(CONTENDERS / f"{contender.name}.py"), json.dumps(told)]
    spent = spent_by(words, folder, within_s=within_s)
    if spent.code:
        raise SystemExit(f"{contender.name} ended with {spent.code}: {spent.said[-2000:]}")
    return {
        "records": told["records"], "cpu_s": spent.cpu_s, "wall_s": spent.wall_s, "peak_mb": spent.peak_mb,
    }  # fmt: skip
