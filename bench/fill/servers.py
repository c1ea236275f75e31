"""Runs a Redis of a run's own, which writes each step to the disk before it answers, and reads its counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from posting import Redis, free_port, redis_program
from redis import Redis as Client


@contextmanager
def redis_server(folder: Path) -> Iterator[Counting]:
    """Runs the server for the length of a block."""
    folder.mkdir()
    server = Redis(redis_program(None), folder, free_port())
    server.start()
    try:
        yield Counting(f"redis://127.0.0.1:{server.port}/0")
    finally:
        server.kill()


SLOW_US = 5_000  # no script may run longer on a laptop


class Counting:
    """Reads the counters of one Redis since it started."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.empty = self._info()["used_memory"]

    def _info(self) -> Any:
        with Client.from_url(self.url) as client:
            return client.info("all")

    def _script_us(self) -> list[tuple[int, int]]:
        """Returns how many scripts took at most so many microseconds, by the server's buckets."""
        with Client.from_url(self.url) as client:
            found = client.execute_command("LATENCY", "HISTOGRAM", "evalsha")
        buckets = found[1][3] if found else []
        return list(zip(buckets[::2], buckets[1::2], strict=True))

    def figures(self) -> dict[str, float]:
        """Counts scripts, commands, round trips (reads of the sockets), bytes over them, bytes kept, CPU.

        `slow_scripts` are those that took longer than SLOW_US, by the last bucket below it.
        """
        info = self._info()
        calls = {name: one["calls"] for name, one in info.items() if name.startswith("cmdstat_")}
        scripts = sum(calls.get(f"cmdstat_{name}", 0) for name in ("evalsha", "eval", "fcall"))
        took = self._script_us()
        quick = max((count for us, count in took if us <= SLOW_US), default=0)
        return {
            "redis_scripts": scripts, "slow_scripts": took[-1][1] - quick if took else 0,
            "redis_commands": sum(calls.values()), "redis_reads": info.get("total_reads_processed", 0),
            "redis_bytes": info["total_net_input_bytes"] + info["total_net_output_bytes"],
            "redis_kept": info["used_memory"] - self.empty,
            "redis_cpu_s": info["used_cpu_user"] + info["used_cpu_sys"],
        }  # fmt: skip
