"""Starts the imitated vendors of a run, in processes of their own, and reads their books afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PORTAL = Path(__file__).with_name("portal.py")
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """Describes a world. `options` are the portal's words, or the sandbox's where `vendors` names some of it."""

    records: int
    options: Mapping[str, object] = field(default_factory=dict)
    vendors: tuple[str, ...] = ()

    @contextmanager
    def served(self) -> Iterator[Served]:
        """Opens a new world for the length of a block; every run begins on one."""
        with ExitStack() as stack:
            if not self.vendors:
                words = [sys.executable, str(PORTAL), "--records", str(self.records)]
                words += [word for name, value in self.options.items() for word in (f"--{name}", str(value))]
                told = stack.enter_context(started(words))
                yield Portal({**told, "token": "bench", "key": "bench", "records": self.records})
                return
            told = {}
            for name in self.vendors:
                words = [sys.executable, "-m", "sandbox", "--vendors", name, "--records", str(self.records)]
                words += ["--companies", str(self.records // 4), "--credits", "1000000", "--watch-stdin"]
                words += [word for key, value in self.options.items() for word in (f"--{key}", str(value))]
                told |= stack.enter_context(started(words))
            yield Sandbox(flat(told) | {"records": self.records}, told)


@dataclass(frozen=True, slots=True)
class Served:
    """Describes a running world. `told` is what a contender needs: addresses and credentials."""

    told: Told

    def books(self) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Portal(Served):
    """Runs the cheap vendors of portal.py."""

    def books(self) -> dict[str, Any]:
        told = fetched(f"{self.told['hubspot']}/_bench/books")
        calls = {route: count for route, count in told["routes"].items() if route.startswith("hubspot")}
        refused = sum(count for route, count in told["routes"].items() if route.endswith(" 429"))
        return {**told, "crm_calls": sum(calls.values()), "refused": refused}


@dataclass(frozen=True, slots=True)
class Sandbox(Served):
    """Runs the vendors of sandbox/, whose books count every call by route and status."""

    vendors: Mapping[str, Told]

    def books(self) -> dict[str, Any]:
        sums = {name: fetched(f"{one['control_url']}/summary") for name, one in self.vendors.items()}
        crm = sums["salesforce" if "salesforce" in sums else "hubspot"]
        paid = {route: by for route, by in sums["forager"]["routes"].items() if "/datastorage/" in route}
        statuses = [by for one in sums.values() for by in one["routes"].values()]
        return {
            "crm_calls": crm["requests"], "asked": sum(sum(by.values()) for by in paid.values()),
            "charged": sums["forager"]["charges"], "credits": sums["forager"]["credits"], "writes": crm["writes"],
            "refused": sum(by.get("429", 0) for by in statuses),
            "routes": {route: by for one in sums.values() for route, by in one["routes"].items()},
        }  # fmt: skip


def flat(vendors: Mapping[str, Told]) -> Told:
    """Returns one flat mapping of the announcements of all vendors of the sandbox."""
    told: Told = {name: one["base_url"] for name, one in vendors.items()}
    told["key"] = vendors["forager"]["api_key"]
    if "hubspot" in vendors:
        told["token"] = vendors["hubspot"]["token"]
    if "salesforce" in vendors:
        told |= {name: vendors["salesforce"][name] for name in ("client_id", "client_secret")}
    return told


@contextmanager
def started(words: list[str]) -> Iterator[Told]:
    """Runs a process that prints its addresses in one line of JSON and ends when we let go of it."""
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)
