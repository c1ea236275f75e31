"""The image without a container engine: what the Dockerfile copies is built, installed alone, and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.harness.containers import ROOT, commands, copied
from tests.harness.installation import Refill
from tests.harness.vendors import all_vendors
from tools.closed_lock import members

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture
def bin(tmp_path: Path) -> Path:
    """The commands of an environment that holds the locked packages of the image and the wheel, nothing else."""
    context, made = tmp_path / "src", tmp_path / "venv"
    for source in copied():
        _copy(ROOT / source, context / source)
    venv.create(made, symlinks=True)
    (packages,) = made.glob("lib/python*/site-packages")
    for member in members((context / "requirements.lock").read_text()):
        if member.installs({"extra": ""}):
            _put(member.name, packages)
    steps = [
        command.partition("/bin/python ")[2].split() for command in commands() if "--python /opt/refill" in command
    ]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    for step in (step for step in steps if "${LOCK}" not in step):
        ran = subprocess.run(
            [*PIP, "--python", str(made), *step], cwd=context, env=environ, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    return made / "bin"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copy(source, target)


def _put(name: str, packages: Path) -> None:
    """Make an installed package one of ``packages``: the same files, without a download.

    Links, and copies of what the image removes again: a link would lead the removal to the files of this environment.
    """
    leaves = any(name in command.split() for command in commands() if " uninstall " in command)
    found = distribution(name)
    tops = {path.parts[0] for path in found.files or () if path.parts[0] not in {"..", "__pycache__"}}
    for top in tops:
        target = packages / top
        if leaves:
            _copy(Path(str(found.locate_file(top))), target)
        elif not target.exists():
            target.symlink_to(str(found.locate_file(top)))


def ran(bin: Path, folder: Path, *words: str, code: int = 0) -> str:
    """Returns what a command says, run where no checkout is in sight."""
    environ = {"PATH": f"{bin}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "REFILL_DATA_DIR": "data"}
    ended = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=110)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout


def test_what_the_dockerfile_copies_installs_alone_and_works(bin: Path, tmp_path: Path) -> None:
    assert ran(bin, tmp_path, "refill", "--version") == "refill 0.1.0\n"
    assert ran(bin, tmp_path, "refill-alive", code=1) == "no worker and no web process has started on data\n"
    (packages,) = bin.parent.glob("lib/python*/site-packages")
    shipped = {found.stem.partition("-")[0].lower() for found in packages.glob("*.dist-info")}
    assert "refill" in shipped
    assert not shipped & {"pip", "setuptools", "wheel", "hatchling", "pluggy", "trove_classifiers"}
    assert not [found.name for found in bin.iterdir() if found.name.startswith(("pip", "hatchling"))]
    for name in ("config", "connectors", "sandbox", "worker"):  # scripts, examples and seeds, too
        here = {file.relative_to(ROOT) for file in (ROOT / name).rglob("*") if file.is_file()}
        there = {file.relative_to(packages) for file in (packages / name).rglob("*") if file.is_file()}
        assert {file for file in here ^ there if file.suffix != ".pyc"} == set()
    with all_vendors() as vendors:
        config = Refill(tmp_path, vendors).config
        checked = json.loads(ran(bin, tmp_path, "refill", "check", "--config", str(config), "--json"))
    assert checked["ok"], checked
    # In the small world of the first seed a delivery waits for a person.
    shown = json.loads(ran(bin, tmp_path, "refill", "demo", "--records", "20", "--seed", "2", "--json"))
    assert shown["filled"] > 0
    assert shown["dead"] == 0
    assert shown["second_pass"] == {"credits": 0, "writes": 0, "records": 0}
