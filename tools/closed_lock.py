"""Checks that the lock files are closed: every requirement of a member is a member too.

pip installs the locks with ``--no-deps``, so a member that is missing would be noticed by whoever needs it first. The
requirements are read from the metadata of the installed packages, which takes no network. A member whose marker
excludes this machine is not installed here: it is listed, and read with ``--fetch``, which asks pip for its wheel.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS: Mapping[str, Sequence[str]] = {  # by groups and extras
    "requirements.lock": ("build",),
    "requirements-otel.lock": ("build", "otel"),
    "requirements-dev.lock": ("build", "dev"),
}

_PYTHONS = ("3.11.0", "3.11.9", "3.12.0", "3.13.0", "3.14.0")
_SYSTEMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64"))
_NAMES = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}
_IMPLEMENTATIONS = {"CPython": "cpython", "PyPy": "pypy"}


@dataclass(frozen=True, slots=True)
class Member:
    """Holds one pinned package of a lock, with the file hashes that pip accepts for it."""

    name: str
    version: str
    pinned: Requirement = field(repr=False)
    hashes: tuple[str, ...] = field(repr=False)

    def installs(self, environment: Mapping[str, str]) -> bool:
        """Tells whether pip installs it there."""
        return self.pinned.marker is None or self.pinned.marker.evaluate(dict(environment))


@dataclass(frozen=True, slots=True)
class Needs:
    """Lists the requirements of one installed package."""

    version: str
    requirements: tuple[Requirement, ...]
    python: SpecifierSet


class LockError(Exception):
    """Says that a lock is not as ``make lock`` writes it; the message names the line."""


def environments() -> Iterator[dict[str, str]]:
    """Gives the markers of every Python and platform that a lock is made for."""
    for full, (system, machine), (implementation, short) in itertools.product(
        _PYTHONS, _SYSTEMS, _IMPLEMENTATIONS.items()
    ):
        os_name, platform_system = _NAMES[system]
        yield {
            "implementation_name": short,
            "implementation_version": full,
            "os_name": os_name,
            "platform_machine": machine,
            "platform_python_implementation": implementation,
            "platform_release": "",
            "platform_system": platform_system,
            "platform_version": "",
            "python_full_version": full,
            "python_version": full.rpartition(".")[0],
            "sys_platform": system,
        }


def members(text: str) -> list[Member]:
    """Reads the members of a lock.

    Raises:
        LockError: a line is neither a pin nor a hash, or a member has no hash.
    """
    found: list[Member] = []
    for entry in text.replace("\\\n", " ").splitlines():
        line = entry.strip()
        if not line or line.startswith("#"):
            continue
        pin, *hashes = line.split(" --hash=")
        try:
            pinned = Requirement(pin.strip())
        except InvalidRequirement as error:
            raise LockError(f"`{line[:80]}` is neither a pin nor a hash. Run make lock.") from error
        pins = [one.version for one in pinned.specifier if one.operator == "=="]
        if len(pins) != 1 or len(pinned.specifier) != 1:
            raise LockError(f"`{pin.strip()}` is not pinned to one version. Run make lock.")
        if not hashes:
            raise LockError(f"`{pin.strip()}` has no hash. Run make lock.")
        found.append(Member(canonicalize_name(pinned.name), pins[0], pinned, tuple(one.strip() for one in hashes)))
    return found


def roots(project: Mapping[str, Any], groups: Sequence[str]) -> list[Requirement]:
    grouped = {**project["project"].get("optional-dependencies", {}), **project["dependency-groups"]}
    asked = [*project["project"]["dependencies"], *(one for group in groups for one in grouped[group])]
    return [Requirement(one) for one in asked]


def needs_of(found: Iterable[Distribution]) -> dict[str, Needs]:
    """Reads the requirements of installed packages by name; the first of a name counts, as on ``sys.path``."""
    known: dict[str, Needs] = {}
    for one in found:
        said = one.metadata  # each attribute of a distribution parses its whole file again
        requirements = tuple(Requirement(text) for text in said.get_all("Requires-Dist") or ())
        python = SpecifierSet((said.get_all("Requires-Python") or [""])[0])
        known.setdefault(canonicalize_name(said["Name"]), Needs(said["Version"], requirements, python))
    return known


def problems(lock: Sequence[Member], asked: Sequence[Requirement], known: Mapping[str, Needs]) -> list[str]:
    """Yields a sentence for everything that the lock leaves open, once for all environments in which it does."""
    found: dict[str, str] = {}
    for environment in environments():
        where = "{sys_platform} {platform_machine}, {platform_python_implementation} {python_full_version}"
        for sentence in _open(lock, asked, known, environment):
            found.setdefault(sentence, where.format_map(environment))
    return [f"{sentence} (first seen on {where})" for sentence, where in found.items()]


def unread(lock: Sequence[Member], known: Mapping[str, Needs]) -> list[Member]:
    """Yields the members whose requirements are not known: absent, or installed in another version."""
    return [one for one in lock if one.name not in known or known[one.name].version != one.version]


def _open(
    lock: Sequence[Member], asked: Sequence[Requirement], known: Mapping[str, Needs], environment: Mapping[str, str]
) -> Iterator[str]:
    there = {one.name: one for one in lock if one.installs(environment)}
    python = environment["python_full_version"]
    todo = [("the project", one, environment) for one in asked]
    todo += [need for one in there.values() for need in _needed(one, "", known, environment)]
    for one in there.values():
        if one.name in known and python not in known[one.name].python:
            yield f"{one.name} {one.version} does not run on every Python that the project supports"
    seen: set[tuple[str, str]] = set()
    while todo:
        who, wanted, markers = todo.pop()
        if wanted.marker is not None and not wanted.marker.evaluate(dict(markers)):
            continue
        name = canonicalize_name(wanted.name)
        member = there.get(name)
        if member is None:
            yield f"{who} needs {name}{wanted.specifier}, which is not in the lock"
            continue
        if not wanted.specifier.contains(member.version, prereleases=True):
            yield f"{who} needs {name}{wanted.specifier}, but the lock has {member.version}"
        for extra in wanted.extras - {extra for one, extra in seen if one == name}:
            seen.add((name, extra))
            todo += _needed(member, extra, known, environment)


def _needed(
    member: Member, extra: str, known: Mapping[str, Needs], environment: Mapping[str, str]
) -> list[tuple[str, Requirement, Mapping[str, str]]]:
    """Yields the requirements of a member, or those that ``extra`` adds."""
    if member.name not in known:
        return []
    who = f"{member.name}[{extra}]" if extra else member.name
    markers = {**environment, "extra": extra}
    asked = known[member.name].requirements
    if extra:
        bare = {**environment, "extra": ""}
        asked = tuple(one for one in asked if one.marker is not None and not one.marker.evaluate(bare))
    return [(who, one, markers) for one in asked]


def fetched(lock: Sequence[Member], folder: Path) -> list[Distribution]:
    """Asks pip for the wheels of these members, regardless of their markers, and opens their metadata."""
    wanted = folder / "requirements.txt"
    wanted.write_text("".join(f"{one.name}=={one.version} --hash={' --hash='.join(one.hashes)}\n" for one in lock))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", str(folder)]
    subprocess.run([*pip, *options, "-r", str(wanted)], check=True)
    return list(distributions(path=[str(wheel) for wheel in folder.glob("*.whl")]))


def different(lock: Sequence[Member], wider: Sequence[Member]) -> list[str]:
    """Gives a sentence for every member that the wider lock lacks or pins to another version."""
    versions = {one.name: one.version for one in wider}
    return [
        f"{one.name} {one.version} is {versions.get(one.name, 'missing')} in the wider lock"
        for one in lock
        if versions.get(one.name) != one.version
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Print the open requirements; exit code 1 if there are any."""
    parser = argparse.ArgumentParser(prog="closed_lock", description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="read members that are not installed here, with pip")
    fetch = parser.parse_args(words).fetch
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locks = {name: members((ROOT / name).read_text(encoding="utf-8")) for name in LOCKS}
    known = needs_of(distributions())
    missing = list({one.name: one for lock in locks.values() for one in unread(lock, known)}.values())
    if fetch and missing:
        with tempfile.TemporaryDirectory() as folder:
            known |= needs_of(fetched(missing, Path(folder)))
    found: list[str] = []
    for name, lock in locks.items():
        found += [f"{name}: {sentence}" for sentence in problems(lock, roots(project, LOCKS[name]), known)]
        found += [f"{name}: {one.name} {one.version} was not read" for one in unread(lock, known) if fetch]
    for name in LOCKS:
        found += different(locks["requirements.lock"], locks[name])
    if not fetch and missing:
        print("not installed here, so not read:", ", ".join(f"{one.name} {one.version}" for one in missing))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
