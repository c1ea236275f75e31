"""Gives any input to the configuration: it answers with one or with sentences, with nothing else."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import load
from config.problems import ConfigError
from config.settings import Settings
from tests.harness.examples import examples
from tests.unit.config.samples import EXAMPLE, EXAMPLE_SECRETS


def tables_of(value: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every key below ``value``."""
    if not isinstance(value, dict):
        return []
    return [path for key, inner in value.items() for path in ((*above, key), *tables_of(inner, (*above, key)))]


SHOWN = tomllib.loads(EXAMPLE.read_text())
PATHS = tables_of(SHOWN)
WORDS = sorted({key for path in PATHS for key in path} | {"api_key", "token", "lead", "portal_id"})
text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
keys = st.sampled_from(WORDS) | text
scalars = (
    st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | text
    | st.sampled_from(["90d", "10/second", "http://a.b", "https://a.b", "redis://x", "hubspot", "salesforce", "jwt"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=10
)
tables = st.dictionaries(keys, st.dictionaries(keys, values, max_size=4) | values, max_size=4)
paths = st.lists(st.sampled_from(WORDS), min_size=2, max_size=6)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "")


def judge(file: Path, environ: dict[str, str]) -> None:
    """Loads a configuration: it is one, or is refused in sentences of a line each, and shows no secret."""
    found: Settings | tuple[str, ...]
    try:
        found = load(file, environ)
    except ConfigError as refused:
        found = refused.problems
    assert isinstance(found, Settings) or (found and all("\n" not in one and one for one in found))
    assert "canary" not in repr(found)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "refill.toml"


@given(table=tables)
@examples(300, short=80)
def test_any_file_is_a_configuration_or_sentences(file: Path, table: dict[str, Any]) -> None:
    file.write_text("\n".join(f"{toml(key)} = {toml(value)}" for key, value in table.items()))
    judge(file, EXAMPLE_SECRETS)


@given(path=st.sampled_from(PATHS), value=values, new=st.none() | keys)
@examples(500, short=120)
def test_any_one_change_of_a_good_file_is_a_configuration_or_sentences(
    file: Path, path: tuple[str, ...], value: Any, new: str | None
) -> None:
    table = changed = copy.deepcopy(SHOWN)
    for key in path[:-1]:
        table = table[key]
    table[path[-1] if new is None else new] = value
    file.write_text("\n".join(f"{toml(key)} = {toml(one)}" for key, one in changed.items()))
    judge(file, EXAMPLE_SECRETS)


@given(path=paths, value=text | st.sampled_from(["[", "{", "[1]", '{"day": 1}', "{ day = 1 }", "true", "1"]))
@examples(300, short=80)
def test_any_variable_is_a_configuration_or_sentences(file: Path, path: list[str], value: str) -> None:
    file.write_text(EXAMPLE.read_text())
    judge(file, EXAMPLE_SECRETS | {"REFILL_" + "__".join(path).upper(): value})


@given(garbage=st.binary(max_size=60))
@examples(100)
def test_any_bytes_are_a_configuration_or_sentences(file: Path, garbage: bytes) -> None:
    file.write_bytes(garbage)
    judge(file, {})
