"""Looks with ``check`` at vendors that are well or ill."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Checked:
    """Holds what ``check --json`` found."""

    rows: list[dict[str, Any]]

    @property
    def told(self) -> dict[str, str]:
        """Returns what was found, by part."""
        return {one["part"]: one["told"] for one in self.rows}

    def of(self, level: str) -> dict[str, str]:
        """Returns all that was found of a level and what to do about it, by part."""
        found: dict[str, list[str]] = {}
        for one in self.rows:
            if one["level"] == level:
                found.setdefault(one["part"], []).append(f"{one['told']}: {one['do']}")
        return {part: "\n".join(lines) for part, lines in found.items()}

    @property
    def failed(self) -> dict[str, str]:
        return self.of("failed")

    @property
    def warned(self) -> dict[str, str]:
        return self.of("warning")


async def checked(refill: Refill, code: int = 0) -> Checked:
    """Checks, and expects this end."""
    ran = await refill("check", "--json")
    assert ran.code == code, ran
    assert ran.json["ok"] is (code == 0)
    return Checked(ran.json["checks"])


@contextlib.contextmanager
def settled(refill: Refill, vendor: str, **settings: object) -> Iterator[None]:
    """Sets settings of a vendor for a while."""
    sandbox = refill.vendors[vendor]
    before = sandbox.control("settings", {})
    sandbox.control("settings", settings)
    try:
        yield
    finally:
        sandbox.control("settings", {name: before[name] for name in settings})


@contextlib.contextmanager
def switched(refill: Refill, vendor: str, **switches: bool) -> Iterator[Sandbox]:
    """Sets switches of a CRM for a while."""
    sandbox = refill.vendors[vendor]
    sandbox.control("switch", switches)
    try:
        yield sandbox
    finally:
        sandbox.control("switch", {name: not on for name, on in switches.items()})


@contextlib.contextmanager
def without_scopes(refill: Refill, *scopes: str) -> Iterator[None]:
    """Takes scopes from the token of the portal for a while."""
    left = [one for one in refill.vendors["hubspot"].control("settings", {})["scopes"] if not one.startswith(scopes)]
    with settled(refill, "hubspot", scopes=left):
        yield


@contextlib.contextmanager
def hidden(refill: Refill, **what: object) -> Iterator[None]:
    """Takes an object, a field or a right from the integration user of the org for a while."""
    org = refill.vendors["salesforce"]
    org.control("hide", what)
    try:
        yield
    finally:
        org.control("hide", {**what, "hidden": False})


@contextlib.contextmanager
def changed(refill: Refill, before: str, after: str) -> Iterator[None]:
    refill.change(before, after)
    yield


def delivering_to(refill: Refill, crm: str) -> AbstractContextManager[None]:
    """Has deliveries brought to this CRM alone."""
    return changed(refill, 'deliver_to = ["acme_hubspot", "acme_salesforce"]', f'deliver_to = ["{crm}"]')


def added(refill: Refill, table: str, *lines: str) -> AbstractContextManager[None]:
    """Adds lines to a table of refill.toml."""
    return changed(refill, f"[{table}]\n", "\n".join((f"[{table}]", *lines, "")))


def constant(refill: Refill, crm: str, kind: str, name: str, value: str) -> AbstractContextManager[None]:
    """Has a value written on every row that is made."""
    return added(refill, f"crm.{crm}", f'create.{kind} = {{ {name} = "{value}" }}')


@contextlib.contextmanager
def together(*wrong: AbstractContextManager[Any]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for one in wrong:
            stack.enter_context(one)
        yield
