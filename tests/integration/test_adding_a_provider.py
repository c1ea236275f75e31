"""The page docs/adding-a-provider.md, followed in a copy of the tree: a toy provider, its contract, a visit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.sandbox import Sandbox, announced, end
from tools.new_provider import LISTS, PLACES, NewProviderError, write

ROOT = Path(__file__).parents[2]
PARTS = ("bench", "config", "connectors", "docs", "sandbox", "tests", "tools", "worker")
GATE = (  # of `make check` and `make unit`: tests that go over every vendor, docstring or page
    "tests/tree/test_docs.py::test_a_page_made_from_the_product_is_current",
    "tests/tree/test_words.py::test_every_docstring_begins_with_a_verb",
    "tests/unit/config/test_load.py",
    "tests/unit/connectors/test_crm_samples.py",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree, without what is made of it."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def run(copy: Path, *module: str, **environ: str) -> str:
    command, known = [sys.executable, "-m", *module], {**os.environ, **environ}
    ran = subprocess.run(command, cwd=copy, env=known, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


@contextmanager
def vendors(copy: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "sandbox", "--watch-stdin", "--vendors", "toy,hubspot", "--records", "12"]
    process = subprocess.Popen(command, cwd=copy, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield announced(process)
    finally:
        end(process)


def test_a_new_provider_is_its_packages_and_its_name_in_two_lists(copy: Path) -> None:
    lists = {place: (copy / place).read_text().splitlines() for place in LISTS}
    files = write("toy", copy)
    assert len(files) == len(PLACES) + len(LISTS)
    new = {
        place: [line for line in (copy / place).read_text().splitlines() if line not in lists[place]] for place in LISTS
    }
    assert new == {"connectors/registry.py": ['    "toy",'], "pyproject.toml": ['    "connectors.toy",']}
    packages = ("connectors/toy", "sandbox/toy", "tests/contract/test_toy.py")
    run(copy, "ruff", "check", *packages)
    run(copy, "ruff", "format", "--check", *packages)
    run(copy, "mypy", *packages)
    run(copy, "tools.references")
    suites = ("tests/contract/test_toy.py", *GATE)
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *suites)
    with vendors(copy) as told:
        (copy / "refill.toml").write_text(
            f"""\
[providers.toy]
base_url = "{told["toy"]["base_url"]}"
budget = {{ day = 100 }}

[crm.acme]
kind = "hubspot"
base_url = "{told["hubspot"]["base_url"]}"
index_lag = "1s"

[crm.acme.watch.contact]
fields.mobile_phone = {{ from = ["toy"] }}
"""
        )
        secrets = {
            "REFILL_PROVIDERS__TOY__API_KEY": told["toy"]["api_key"],
            "REFILL_CRM__ACME__TOKEN": told["hubspot"]["token"],
        }
        run(copy, "worker.cli", "sync", "--json", **secrets)
        toy, hubspot = (Sandbox(name, told[name]).control("summary") for name in ("toy", "hubspot"))
    assert toy["credits"] > 0
    assert hubspot["writes"] > 0  # of the one field that is filled, and from the toy alone


def test_a_new_provider_may_not_import_another(copy: Path) -> None:
    write("toy", copy)
    with (copy / "connectors/toy/read.py").open("a") as module:
        module.write("\nimport connectors.kaspr\n")
    linter = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    said = subprocess.run(linter, cwd=copy, capture_output=True, text=True, check=False).stdout
    assert "vendors know nothing of each other BROKEN" in said
    assert "connectors.toy is not allowed to import connectors.kaspr" in said


def test_a_name_that_will_not_do_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewProviderError, match="is not a valid name"):
        write("Toy-1", tmp_path)
    (tmp_path / "connectors/toy").mkdir(parents=True)
    (tmp_path / "connectors/toy/read.py").touch()
    with pytest.raises(NewProviderError, match="is there already"):
        write("toy", tmp_path)
