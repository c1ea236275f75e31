"""Samples one pass of Refill with py-spy, and tells where its CPU goes: the tables of "What costs what"."""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from environments import ROOT, python_of
from running import Contender, passing
from servers import redis_server
from spending import spent_by
from worlds import World

RATE, WIDEST = 250, 20
KINDS: Mapping[str, str] = {
    "the event loop: tasks, futures, timers, sockets": r"/asyncio/|/selectors\.py",
    "the rules (`worker/decide`)": r"/worker/decide/",
    "connectors, aiohttp and httpx": rf"{ROOT}/connectors/|/(aiohttp|httpx|httpx_aiohttp|yarl|multidict|stamina)/",
    "the ledger and the Redis client": r"/worker/(ledger|redis)/|/site-packages/redis/",
    "visits": r"/worker/visits/",
    "json and pydantic": r"/json/|/(pydantic|pydantic_core|msgspec)/",
    "logging": r"/logging/|/structlog/",
    "the rest of Refill": rf"{ROOT}/(worker|config)/",
    "other libraries": r"/site-packages/",
    "the rest of the standard library": r"",
}
"""Maps kinds of code to the files of theirs; the first that fits counts."""
IMPORTS = "imports at the start"
FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*):(?P<line>\d+)\)")
WAITS = re.compile(r"(\w+Selector\.select|_worker) \(.*/(selectors|concurrent/futures/thread)\.py:\d+\) \d+")
"""Matches the end of a stack that waits, where py-spy does not see it."""
Stack = list[tuple[str, str]]
"""Holds the function and the file of each call, the outermost first."""


def sampled(contender: Contender, world: World, stacks: Path) -> str:
    """Returns both tables as Markdown, and leaves the stacks in a file that flame graphs are drawn from.

    Raises:
        SystemExit: the pass or the sampling failed.
    """
    stacks = stacks.resolve()
    under = [str(python_of("py_spy").with_name("py-spy")), "record", "--rate", str(RATE), "--full-filenames"]
    under += ["--format", "raw", "--output", str(stacks), "--"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-bench-")))
        served = stack.enter_context(world.served())
        counting = stack.enter_context(redis_server(folder / "redis"))
        words, env = passing(contender, served, folder, counting.url)
        spent = spent_by([*under, *words], folder, env)
        if spent.code:
            raise SystemExit(f"py-spy ended with {spent.code}: {spent.said[-2000:]}")
        print(f"  {served.books()['asked']} paid calls", file=sys.stderr, flush=True)
    return told(stacks.read_text(encoding="utf-8"))


def told(text: str) -> str:
    """Returns the tables of collapsed stacks: a line for each, outermost call first, then its samples."""
    kinds, frames = Counter[str](), Counter[str]()
    for stack, count in _stacks(text):
        kinds[_kind(stack)] += count
        for frame in set(_ours(stack)):
            frames[frame] += count
    total = max(1, kinds.total())
    lines = [f"{total} samples, waits left out", "", "| | share |", "|---|---:|"]
    lines += [f"| {kind} | {count / total:.0%} |" for kind, count in kinds.most_common()]
    lines += ["", "| our own widest frames, with what they call | share |", "|---|---:|"]
    lines += [f"| {frame} | {count / total:.0%} |" for frame, count in frames.most_common(WIDEST)]
    return "\n".join(lines)


def _stacks(text: str) -> Iterator[tuple[Stack, int]]:
    for line in text.splitlines():
        if WAITS.search(line):
            continue
        calls, _, count = line.rpartition(" ")
        found = [FRAME.fullmatch(call) for call in calls.split(";")]
        yield [(one["function"], one["file"]) for one in found if one], int(count)


def _kind(stack: Stack) -> str:
    if _imports(stack):
        return IMPORTS
    file = stack[-1][1] if stack else ""
    return next(kind for kind, files in KINDS.items() if re.search(files, file))


def _imports(stack: Stack) -> bool:
    return any(file.startswith("<frozen importlib") for _, file in stack)


def _ours(stack: Stack) -> Iterator[str]:
    """Yields our calls within one step of the event loop; what runs the loop is below all of them."""
    if _imports(stack):
        return
    for function, file in reversed(stack):
        if function == "Handle._run" and file.endswith("/asyncio/events.py"):
            return
        if file.startswith((f"{ROOT}/worker/", f"{ROOT}/connectors/")):
            yield f"`{function}` of `{Path(file).relative_to(ROOT)}`"
