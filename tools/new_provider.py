"""Writes the skeleton of a provider: its package, its imitation, its contract test, two samples, and its name.

The skeleton works as it is written: `make check` and its contract test pass at once, and go on telling what holds while
both sides are rewritten after the vendor's documents. See docs/adding-a-provider.md.
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template

ROOT = Path(__file__).parent.parent
SKELETON = Path(__file__).parent / "skeleton"
PLACES: Mapping[str, str] = {
    "connector_init": "connectors/$name/__init__.py",
    "connector_options": "connectors/$name/options.py",
    "connector_operations": "connectors/$name/operations.py",
    "connector_read": "connectors/$name/read.py",
    "connector_client": "connectors/$name/client.py",
    "sandbox_init": "sandbox/$name/__init__.py",
    "sandbox_vendor": "sandbox/$name/vendor.py",
    "contract_test": "tests/contract/test_$name.py",
    "sample_hit": "tests/samples/$name/person_hit.json",
    "sample_miss": "tests/samples/$name/person_miss.json",
}
LISTS: Mapping[str, tuple[str, str]] = {
    "connectors/registry.py": ("NAMES = (", "$name"),
    "pyproject.toml": (
        'name = "vendors know nothing of each other"\ntype = "independence"\nmodules = [',
        "connectors.$name",
    ),
}
"""Holds the lists of all vendors, by file: how each begins, and the new one's line in it."""


class NewProviderError(Exception):
    """Says why the skeleton cannot be written."""


def write(name: str, root: Path = ROOT) -> list[Path]:
    """Writes the skeleton and the name into the lists, and returns the files.

    Raises:
        NewProviderError: the name will not do, or something of that name is there; nothing is written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*", name) or keyword.iskeyword(name):
        raise NewProviderError(f"`{name}` is not a valid name; use small letters and digits: make new-provider NAME=x")
    names = {"name": name, "Name": name.title(), "month": f"{datetime.now(UTC):%Y-%m}"}
    files = {root / Template(place).substitute(names): SKELETON / f"{part}.txt" for part, place in PLACES.items()}
    there = [path for path in files if path.exists()]
    if there:
        raise NewProviderError(f"{there[0].relative_to(root)} is there already; use another name")
    for path, skeleton in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(skeleton.read_text(encoding="utf-8")).substitute(names), encoding="utf-8")
    for place, (beginning, line) in LISTS.items():
        text = (root / place).read_text(encoding="utf-8")
        (root / place).write_text(_longer(text, beginning, Template(line).substitute(names)), encoding="utf-8")
    _sort_imports(path for path in files if path.suffix == ".py")
    return [*files, *(root / place for place in LISTS)]


def _longer(text: str, beginning: str, line: str) -> str:
    """Returns the text with one more line at the end of a list in it: in the registry the order means something."""
    return re.sub(re.escape(beginning) + r'\n(?:    "[\w.]+",\n)*', lambda found: f'{found[0]}    "{line}",\n', text)


def _sort_imports(files: Iterable[Path]) -> None:
    """Puts imports of the new package among the others: their order depends on its name."""
    subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "--select", "I", "--fix", *files], check=True)


def main() -> None:
    """Write the skeleton of the provider that is named, and say where."""
    try:
        written = write(sys.argv[1] if len(sys.argv) > 1 else "")
    except NewProviderError as error:
        raise SystemExit(str(error)) from None
    for path in written:
        print(path.relative_to(ROOT))
    print("Now read docs/adding-a-provider.md")


if __name__ == "__main__":
    main()
