"""Answers to the questions of ``init`` are read one by one, so that a wrong one is asked again and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.problems import ConfigError
from worker.commands.init_answers import crm_name, key_file, known_fields, known_objects, org_address, words


@pytest.mark.parametrize("name", ["portal", "acme_eu", "crm2"])
def test_a_name_is_taken(name: str) -> None:
    assert crm_name(name) == name


@pytest.mark.parametrize("name", ["", "My Org", "acme__eu", "acme-eu", "_acme", "ACME"])
def test_a_name_that_no_variable_could_bear_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a valid name; use small letters"):
        crm_name(name)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:9104", "http://127.0.0.1:9104"),
        ("http://localhost:9104", "http://localhost:9104"),
    ],
)
def test_an_org_is_reached_at_what_was_typed(typed: str, address: str) -> None:
    assert org_address(typed) == address


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("acme", "is not a valid address; use one such as https://acme.my.salesforce.com"),
        ("", "is not a valid address"),
        ("http://acme.my.salesforce.com", "plain http"),
        ("https://acme.lightning.force.com/lightning/page/home", "Use https://acme.my.salesforce.com"),
    ],
)
def test_an_address_at_which_no_org_answers_is_refused(typed: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        org_address(typed)
    assert told in refused.value.problems[0]


def test_lists_are_read_with_commas_or_without() -> None:
    assert known_objects("salesforce", words("contact,lead"), "there is no") == ["contact", "lead"]
    with pytest.raises(ConfigError, match="there is no email: known are work_email"):
        known_fields("hubspot", ["contact"], words("email"), "there is no")


def test_a_key_is_found_in_the_folder_or_where_somebody_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, here = tmp_path / "refill", tmp_path / "here"
    for at in (folder, here):
        at.mkdir()
    monkeypatch.chdir(here)
    (folder / "mine.key").touch()
    (here / "other.key").touch()
    assert key_file(folder, "mine.key") == "mine.key"
    assert key_file(folder, "other.key") == str(here / "other.key")
    with pytest.raises(ConfigError, match="there is no file no"):
        key_file(folder, "no.key")
