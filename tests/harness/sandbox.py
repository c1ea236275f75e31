"""Runs the sandbox as a process of its own, with its control API as plain calls."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from tests.harness import forked
from tests.harness.canaries import CANARIES
from tests.harness.forked import Program

SETTLE_S, END_S = 5.0, 10.0
CONTROL_S = 120.0  # whole books of a long run, from a process that others keep from its turn


class Sandbox:
    """Runs one imitated vendor: ``info`` is what the sandbox printed of it (base_url, credentials, ids)."""

    def __init__(self, name: str, info: dict[str, Any]) -> None:
        self.name, self.info = name, info
        self.base_url: str = info["base_url"]
        self._world: dict[str, Any] = {}

    def control(self, path: str, body: object = None, method: str = "") -> Any:
        """Call ``/_sandbox/<path>``: POST when there is a body, else GET."""
        url = f"{self.info['control_url']}/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            url,
            data=data,
            method=method or ("GET" if body is None else "POST"),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=CONTROL_S) as reply:  # noqa: S310 - loopback
            return json.load(reply)

    def calm(self) -> None:
        """Clears faults, holds and books."""
        self.control("faults", method="DELETE")
        self.control("release", {})
        self.control("reset-books", {})

    def fault(self, kind: str, route: str = "*", **more: object) -> None:
        """Makes ``kind`` happen on ``route`` from now on, every time unless ``times`` says how often."""
        self.control("faults", {"kind": kind, "route": route, "times": None, **more})

    def switch(self, **switches: object) -> None:
        """Set switches of this vendor."""
        self.control("switches", switches)

    @contextlib.contextmanager
    def switched(self, **switches: object) -> Iterator[None]:
        """Set switches for a while."""
        before = {name: known["value"] for name, known in self.control("switches").items() if name in switches}
        self.switch(**switches)
        try:
            yield
        finally:
            self.switch(**before)

    def requests(self, route: str = "", method: str = "") -> list[dict[str, Any]]:
        """Returns what was received, on a route template and by a method when they are given."""
        rows = self._books("requests")
        return [row for row in rows if route in {"", row["route"]} and method in {"", row["method"]}]

    def charges(self) -> list[dict[str, Any]]:
        """Returns what was charged."""
        return self._books("charges")

    def wait_for_requests(self, route: str, count: int, method: str = "") -> int:
        """Returns how many requests came, once there are ``count`` or time is up."""
        end = time.monotonic() + SETTLE_S
        while (seen := len(self.requests(route, method))) < count and time.monotonic() < end:
            time.sleep(0.01)
        return seen

    @property
    def world(self) -> dict[str, Any]:
        """Returns the truth about everybody; reads it once."""
        if not self._world:
            self._world = self.control("world")
        return self._world

    def _books(self, kind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.control(f"books?kind={kind}")[kind]
        return rows


Start = Callable[..., Sandbox]


@contextlib.contextmanager
def sandboxes() -> Iterator[Start]:
    """Give ``start(vendor, *options)``, which starts a process at first asking and gives the same one after."""
    with contextlib.ExitStack() as stack:
        started: dict[tuple[str, ...], Sandbox] = {}

        def start(vendor: str, *options: str) -> Sandbox:
            key = (vendor, *options)
            if key not in started:
                started[key] = Sandbox(vendor, stack.enter_context(imitated("--vendors", vendor, *options))[vendor])
            started[key].calm()
            return started[key]

        yield start


@contextlib.contextmanager
def imitated(*options: str) -> Iterator[dict[str, Any]]:
    """Yields a process of vendors, and what it says about each."""
    process = spawn(*options)
    try:
        yield announced(process)
    finally:
        end(process)


def spawn(*options: str) -> Program:
    """Start vendors, and do not wait for them."""
    return forked.start("sandbox", "--watch-stdin", *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def announced(process: Program) -> dict[str, Any]:
    """Returns what a process says about its vendors, once they are up."""
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline() or b"{}")
    assert told, "the sandbox did not start"
    CANARIES.add_vendors(told)
    return told


def end(process: Program) -> None:
    """Ends it: it stops by itself when its input closes."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
