"""The lock files are closed, and a lock with a hole is told as one."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tools.closed_lock import (
    LOCKS,
    ROOT,
    LockError,
    Member,
    Needs,
    different,
    main,
    members,
    needs_of,
    problems,
    roots,
    unread,
)

HASH = "    --hash=sha256:" + "0" * 64
PROJECT = {"project": {"dependencies": ["app[fast]>=1"]}, "dependency-groups": {"build": ["tool"]}}


def lock(*pins: str) -> list[Member]:
    return members("".join(f"{pin} \\\n{HASH}\n" for pin in pins))


def installed(folder: Path, **packages: str) -> dict[str, Needs]:
    """Packages as a site folder has them: ``name="1.0; a requirement; another"``, separated by line ends."""
    for name, text in packages.items():
        version, *lines = text.splitlines()
        place = folder / f"{name}-{version}.dist-info"
        place.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (place / "METADATA").write_text(head + "".join(f"{line}\n" for line in lines))
    return needs_of(distributions(path=[str(folder)]))


def told(folder: Path, pins: list[str], **packages: str) -> list[str]:
    return problems(lock(*pins), roots(PROJECT, ["build"]), installed(folder, **packages))


def test_locks_of_the_project_are_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "needs" not in capsys.readouterr().out


def test_every_member_that_runs_here_was_read() -> None:
    here = needs_of(distributions())
    environment = {"extra": ""}
    for name in LOCKS:
        left = unread(members((ROOT / name).read_text()), here)
        assert [one.name for one in left if one.installs(environment)] == []


def test_holes_in_the_projects_own_lock_are_found() -> None:
    # hiredis hangs on an extra, cffi on a requirement of a requirement, the others on markers of other machines
    names = {"hiredis", "cffi", "colorama", "async-timeout"}
    whole = members((ROOT / "requirements.lock").read_text())
    found = problems([one for one in whole if one.name not in names], [], needs_of(distributions()))
    missed = {re.match(r"\S+ needs ([\w-]+).*, which is not in the lock", sentence) for sentence in found}
    assert {match[1] for match in missed if match} == names


def test_what_is_asked_for_and_needed_is_in_a_closed_lock(tmp_path: Path) -> None:
    app = "1.2\nRequires-Dist: base >=2\nRequires-Dist: quick; extra == 'fast'\nRequires-Dist: odd; extra == 'slow'"
    assert told(tmp_path, ["app==1.2", "base==2.0", "quick==1", "tool==3"], app=app, base="2.0", quick="1") == []


@pytest.mark.parametrize(
    ("pins", "app", "sentence"),
    [
        (["app==1"], "1", "the project needs tool, which is not in the lock"),
        (["app==1", "tool==3"], "1\nRequires-Dist: base", "app needs base, which is not in the lock"),
        (["app==1", "tool==3"], "1\nRequires-Dist: q>2; extra == 'fast'", "app[fast] needs q>2, which is not"),
        (["app==1", "tool==3", "q==2"], "1\nRequires-Dist: q>2; extra == 'fast'", "needs q>2, but the lock has 2"),
        (["app==0.9", "tool==3"], "0.9", "the project needs app>=1, but the lock has 0.9"),
        (["app==1", "tool==3"], "1\nRequires-Python: <3.12", "app 1 does not run on every Python"),
        (
            ["app==1", "tool==3", "base==1 ; sys_platform == 'linux'"],
            "1\nRequires-Dist: base; sys_platform != 'win32'",
            "app needs base, which is not in the lock (first seen on darwin",
        ),
        (
            ["app==1", "tool==3"],
            "1\nRequires-Dist: app[more]; extra == 'fast'\nRequires-Dist: base; extra == 'more'",
            "app[more] needs base, which is not in the lock",
        ),
    ],
)
def test_a_hole_is_told_with_the_one_that_needs_it(tmp_path: Path, pins: list[str], app: str, sentence: str) -> None:
    (found,) = told(tmp_path, pins, app=app)
    assert sentence in found


def test_a_member_in_another_version_than_the_installed_one_was_not_read(tmp_path: Path) -> None:
    known = installed(tmp_path, app="1.1", tool="3")
    assert [one.name for one in unread(lock("app==1.2", "tool==3", "base==1"), known)] == ["app", "base"]


def test_a_wider_lock_has_the_same_versions() -> None:
    found = different(lock("app==1", "base==2", "tool==3"), lock("app==1", "base==3", "more==1"))
    assert found == ["base 2 is 3 in the wider lock", "tool 3 is missing in the wider lock"]


@pytest.mark.parametrize(
    "text",
    [
        f"app>=1 \\\n{HASH}\n",
        "app==1\n",
        f"--index-url https://packages.example\napp==1 \\\n{HASH}\n",
        f"app @ https://packages.example/app.whl \\\n{HASH}\n",
    ],
)
def test_a_line_that_is_no_pin_with_a_hash_is_refused(text: str) -> None:
    with pytest.raises(LockError, match="Run make lock"):
        members(text)


def test_every_install_from_a_lock_resolves_nothing() -> None:
    files = [ROOT / "Makefile", ROOT / "Dockerfile", ROOT / "README.md", *ROOT.glob(".ci/*"), *ROOT.glob("docs/*.md")]
    lines = [line for file in files for line in file.read_text().splitlines()]
    installs = [line for line in lines if re.search(r"(install|PIP).* -r ", line)]
    assert len(installs) >= 3
    for line in installs:
        assert "--no-deps --require-hashes" in line, line
