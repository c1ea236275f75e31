"""Asks ``refill-alive`` beside real processes: it says whether this one lives, and costs next to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.redis import stop_redis
from tests.harness.until import until
from tests.harness.workers import Process
from worker.service.heartbeat import STALE_S

CHECK = [sys.executable, "-I", "-m", "worker.service.heartbeat"]  # what refill-alive runs
CPU_S = 0.1


@contextlib.contextmanager
def running(command: str, folder: Path) -> Iterator[Process]:
    """A process without any vendor, on an embedded Redis in ``folder``."""
    config = folder / "refill.toml"
    config.write_text('data_dir = "data"\n[web]\nport = 0\n')
    process = Process.start(config, command, log=folder / f"{command}.log")
    try:
        yield process
    finally:
        process.kill()
        with contextlib.suppress(OSError):  # a killed process leaves its Redis to the next one
            stop_redis(folder / "data")


def check(folder: Path) -> tuple[int, str]:
    """Run the check as a container does."""
    environ = {"PATH": os.environ["PATH"], "REFILL_DATA_DIR": str(folder / "data")}
    ran = subprocess.run(CHECK, check=False, env=environ, capture_output=True, text=True, timeout=30)
    return ran.returncode, (ran.stdout + ran.stderr).strip()


async def well(folder: Path) -> None:
    """Wait until the check finds nothing wrong."""
    await until(lambda: check(folder) == (0, "alive"), "a process that is well")


def age(folder: Path) -> None:
    """Does what a while without a beat does to the files."""
    for file in (folder / "data").glob("*.alive"):
        os.utime(file, (time.time() - STALE_S - 1,) * 2)


async def test_a_worker_is_alive_until_it_is_stopped_or_killed(tmp_path: Path) -> None:
    assert check(tmp_path)[0] == 1
    with running("worker", tmp_path) as worker:
        await well(tmp_path)
        age(tmp_path)
        await well(tmp_path)  # it renews its file by itself
        worker.signal(signal.SIGSTOP)
        await asyncio.sleep(0.1)
        age(tmp_path)
        assert check(tmp_path) == (1, f"worker-{worker.pid} is stuck: no sign of life for 21 s")
        worker.signal(signal.SIGCONT)
        await well(tmp_path)
        worker.kill()
        assert check(tmp_path) == (1, f"worker-{worker.pid} is dead")
    with running("worker", tmp_path) as worker:
        await well(tmp_path)
        await worker.drained()
    assert check(tmp_path)[0] == 1


async def test_a_web_process_is_alive_until_it_is_stopped_or_killed(tmp_path: Path) -> None:
    with running("up", tmp_path) as both:
        await both.url()
        await well(tmp_path)
        both.signal(signal.SIGSTOP)
        assert check(tmp_path) == (1, f"web-{both.pid} does not answer")
        both.signal(signal.SIGCONT)
        await well(tmp_path)
        both.kill()
        pid = both.pid
        assert check(tmp_path) == (1, f"web-{pid} is dead\nworker-{pid} is dead")


@pytest.mark.parametrize("runs", [5])
def test_a_check_costs_less_than_a_tenth_of_a_second(tmp_path: Path, runs: int) -> None:
    spent = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        check(tmp_path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert sorted(spent)[runs // 2] < CPU_S, spent
