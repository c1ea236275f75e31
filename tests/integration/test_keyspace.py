"""The simulation's Redis does what Redis does: every step of some runs is taken again on a real one."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.simulation.playing import simulate

TOGETHER = 200  # steps of one round trip
UNORDERED = frozenset({"HGETALL", "HKEYS", "HSCAN", "KEYS", "SMEMBERS"})
UNALIKE = frozenset({"TIME", "BGREWRITEAOF", "SCAN"})  # a scan may come in parts


@pytest.mark.timeout(120)
async def test_every_step_of_a_run_has_the_same_reply_on_a_real_redis(redis: Redis, tmp_path: Path) -> None:
    played = simulate("--first", "2", "--seeds", "4", "--tape", str(tmp_path / "tape"))
    tapes = pickle.loads((tmp_path / "tape").read_bytes())  # noqa: S301 - written by the line before

    assert not played.failed, played.text
    redis.response_callbacks.clear()  # replies as they were sent
    for tape in tapes:
        await redis.execute_command("FLUSHALL")  # type: ignore[no-untyped-call]  # redis-py
        assert len(tape) > 1_000
        for first in range(0, len(tape), TOGETHER):
            steps = tape[first : first + TOGETHER]
            for (what, args, _, here), there in zip(steps, await _taken(redis, steps), strict=True):
                name = what if what.isupper() else what[-300:]
                assert name in UNALIKE or _sorted(name, here) == _sorted(name, there), f"{name} with {args}"


async def _taken(redis: Redis, steps: Sequence[tuple[str, Sequence[bytes], int, Any]]) -> list[Any]:
    async with redis.pipeline(transaction=False) as pipe:
        for what, args, now, _ in steps:
            if what.isupper():
                pipe.execute_command(what, *args)
            else:  # a script, on the time it had
                pipe.execute_command("EVAL", what, 0, str(now), *args[1:])
        replies: list[Any] = await pipe.execute(raise_on_error=False)  # an error is a reply: it differs, too
        return replies


def _sorted(name: str, reply: Any) -> Any:
    if name not in UNORDERED:
        return reply
    if name == "HSCAN":
        reply = reply[1]
    return (
        sorted(zip(reply[::2], reply[1::2], strict=True)) if name.startswith("H") and name != "HKEYS" else sorted(reply)
    )
