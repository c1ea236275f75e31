"""A test run that is killed leaves no process behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = """
import signal, subprocess, sys, time
from tests.harness import forked
from tests.harness.redis import Server

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
server = Server()
server.start()
words = ("--vendors", "kaspr", "--records", "4", "--companies", "2")
vendors = forked.start("sandbox", *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
vendors.stdout.readline()
print("all run", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_redis_and_the_processes_of_a_killed_run_end(number: signal.Signals) -> None:
    command = [sys.executable, "-c", RUN]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"all run\n"
        run.send_signal(number)
        run.communicate(timeout=60)  # ends as soon as no process writes there any more
