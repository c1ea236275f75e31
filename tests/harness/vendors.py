"""Runs the five imitated vendors as processes, and reads their books."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from sandbox.__main__ import read_options
from sandbox.options import VENDORS, Options
from tests.harness.forked import Program
from tests.harness.sandbox import Sandbox, announced, end, imitated, spawn

PROVIDERS = ("forager", "kaspr")
CRMS = ("hubspot", "salesforce")
FEW = ("--records", "24", "--companies", "8", "--delivered-companies", "3", "--delivered-prospects", "4")


@contextlib.contextmanager
def all_vendors(*options: str) -> Iterator[dict[str, Sandbox]]:
    """Yields all five in one process, with few rows."""
    with imitated("--limits", "demo", *FEW, *options) as told:
        yield {name: Sandbox(name, told[name]) for name in VENDORS}


class Vendors:
    """Holds all five; those in ``apart`` have a process of their own, to be ended and started again."""

    def __init__(self, *options: str, apart: Iterable[str] = ()) -> None:
        self._options = options
        self._processes: dict[tuple[str, ...], Program] = {}
        self.told: dict[str, dict[str, Any]] = {}
        apart = tuple(apart)
        groups = [tuple(name for name in VENDORS if name not in apart), *((name,) for name in apart)]
        started = {group: self._spawn(group) for group in groups}
        for group, process in started.items():
            self._processes[group] = process
            self.told |= announced(process)

    @property
    def options(self) -> Options:
        """Returns what the world of these vendors was made from."""
        return read_options(self._options)

    def __getitem__(self, name: str) -> Sandbox:
        return Sandbox(name, self.told[name])

    def stop(self, name: str) -> None:
        """End a vendor that is apart: its port refuses connections from now on."""
        end(self._processes.pop((name,)))

    def start(self, name: str) -> None:
        """Start it again where it was; its books begin anew."""
        port = urlsplit(self.told[name]["base_url"]).port
        assert port is not None
        process = self._spawn((name,), "--port-base", str(port - VENDORS.index(name)))
        self._processes[name,] = process
        self.told |= announced(process)

    def close(self) -> None:
        for process in self._processes.values():
            end(process)
        self._processes.clear()

    def _spawn(self, group: tuple[str, ...], *more: str) -> Program:
        return spawn("--vendors", ",".join(group), *self._options, *more)

    # ---- books ---------------------------------------------------------------------------------------------------

    def charges(self) -> list[dict[str, Any]]:
        """Returns everything that both paid providers have charged."""
        return [{"provider": name, **row} for name in PROVIDERS for row in self[name].charges()]

    def charged(self, count: int) -> bool:
        """Tells whether there are so many charges."""
        return len(self.charges()) >= count

    def bill(self, provider: str) -> int:
        """Returns the credits that a provider has charged."""
        return int(sum(row["credits"] for row in self[provider].charges()))

    def charged_twice(self) -> list[tuple[str, str, str]]:
        """Lists questions that were charged more than once."""
        asked = Counter((row["provider"], row["operation"], row["identity"]) for row in self.charges())
        return [question for question, times in asked.items() if times > 1]

    def writes(self) -> list[dict[str, Any]]:
        """Returns what both CRMs have taken from anybody, in the order of each."""
        return [{"crm": name, **row} for name in CRMS for row in self[name].control("books?kind=writes")["writes"]]

    def overwritten(self) -> list[dict[str, Any]]:
        """Writes of ours on something that was not blank."""
        return [row for row in self.our_writes() if row["action"] == "update" and row["before"] not in {None, ""}]

    def our_writes(self) -> list[dict[str, Any]]:
        """Returns values, rows and links that came through the API."""
        return [row for row in self.writes() if row["request"]]

    def refused_for_rate(self) -> dict[str, int]:
        """Counts the requests that each vendor answered 429."""
        return {name: sum(row["status"] == 429 for row in self[name].requests()) for name in VENDORS}

    # ---- rows ----------------------------------------------------------------------------------------------------

    def rows(self, crm: str, object: str) -> dict[str, dict[str, str]]:
        """Returns living rows by id with what people see of them; stamps and ids are left out."""
        rows = self[crm].control(f"records/{object}")
        return {
            row["id"]: {name: str(value) for name, value in row["properties"].items() if _shown(name, value)}
            for row in rows
            if not (row.get("archived") or row.get("deleted"))
        }

    def state(self) -> dict[tuple[str, str, str], dict[str, str]]:
        """Returns all living people and companies of both CRMs, by (crm, object, id)."""
        objects = [("hubspot", "contacts"), ("hubspot", "companies")]
        objects += [("salesforce", "Contact"), ("salesforce", "Lead"), ("salesforce", "Account")]
        return {(crm, kind, id_): row for crm, kind in objects for id_, row in self.rows(crm, kind).items()}


_STAMPS = ("modified", "created", "createdate", "modstamp", "object_id", "lastreferenced", "lastviewed", "updated_by")


def _shown(name: str, value: object) -> bool:
    lowered = name.lower()
    return value not in {None, ""} and lowered != "id" and not any(word in lowered for word in _STAMPS)
