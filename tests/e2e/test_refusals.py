"""A start that would not be safe is refused with one sentence."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Open
from tests.e2e.stage import Stage, until
from tests.integration.conftest import answers, server_program

WRONG_USE = 2


@contextlib.contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[Path]:
    """A Redis that is not as ours: safe but for ``options``."""
    path = folder / "own.sock"
    words = ["--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", "", "--appendonly", "yes"]
    with subprocess.Popen([server_program(), *words, *options], stdout=subprocess.DEVNULL) as server:
        try:
            yield path
        finally:
            server.terminate()


async def refusal(stage: Stage, **env: str) -> str:
    """The only line that a worker says before it ends."""
    code, out, err = await stage.run("worker", env=env)
    assert (code, out) == (WRONG_USE, "")
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize(
    ("option", "word"), [(("--maxmemory-policy", "allkeys-lru"), "noeviction"), (("--appendonly", "no"), "appendonly")]
)
async def test_a_redis_that_may_forget_is_refused(opened: Open, option: tuple[str, str], word: str) -> None:
    stage = opened(records=1, companies=1)
    with redis_server(stage.folder, *option) as path:
        await until(lambda: answers(path), "a Redis")
        assert word in await refusal(stage, COLUMNS="400", REFILL_REDIS__URL=f"unix://{path}")


async def test_a_redis_that_is_not_there_is_refused(opened: Open) -> None:
    stage = opened(records=1, companies=1)
    assert "redis.url" in await refusal(stage, COLUMNS="400", REFILL_REDIS__URL=f"unix://{stage.folder}/nobody.sock")


async def test_a_key_nobody_knows_is_refused(opened: Open) -> None:
    stage = opened({"providers": {"kaspr": {"rait": "1/second"}}}, records=1, companies=1)
    assert "rait" in await refusal(stage, COLUMNS="400")


async def test_a_paid_provider_without_a_budget_is_refused(opened: Open) -> None:
    stage = opened({"providers": {"kaspr": {"budget": None}}}, records=1, companies=1)
    assert "budget" in await refusal(stage, COLUMNS="400")
