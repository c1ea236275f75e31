"""Writes a first configuration of what was chosen, and loads it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values
from msgspec.structs import replace

from config.load import load
from worker.commands.first_config import BLANK_VALUES, FirstConfig, ProviderBudget, dotenv, place, secrets_of, sign_ins

PORTAL = FirstConfig(
    "hubspot",
    "portal",
    "token",
    fields=("work_email", "job_title"),
    budgets={"kaspr": ProviderBudget(50, 1000), "forager": ProviderBudget(20, 400)},
    account_id=7,
    blank_values=True,
)
ORG = replace(
    PORTAL, kind="salesforce", crm="org", base_url="https://acme.my.salesforce.com", objects=("contact", "lead"),
    linkedin_property="LinkedIn_URL__c",
)  # fmt: skip


@pytest.mark.parametrize("config", [replace(PORTAL, auth=one) for one in sign_ins("hubspot")])
@pytest.mark.parametrize("mode", ["observe", "review", "auto"])
def test_a_portal_loads_with_the_secrets_it_asks_for(config: FirstConfig, mode: str, tmp_path: Path) -> None:
    config = replace(config, mode=mode)
    values = {one.variable: "k'e#y \\" for one in secrets_of(config)}
    path, env = place(tmp_path, config.toml(), dotenv("", values))
    settings = load(path, {})
    assert settings.crm["portal"].mode == mode
    assert list(settings.crm["portal"].objects()["contact"].fields) == ["work_email", "job_title"]
    assert settings.crm["portal"].blank_values == BLANK_VALUES
    assert (settings.providers.paid["kaspr"].budget.day, settings.providers.paid["kaspr"].budget.month) == (50, 1000)
    assert not settings.warnings
    assert not settings.exposed
    assert env.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("auth", sign_ins("salesforce"))
def test_an_org_loads_with_the_secrets_it_asks_for(auth: str, tmp_path: Path) -> None:
    config = replace(ORG, auth=auth)
    (tmp_path / "refill.key").write_text("key", encoding="utf-8")
    values = {
        one.variable: "refill.key" if one.variable.endswith("KEY_FILE") else "secret" for one in secrets_of(config)
    }
    path, _ = place(tmp_path, config.toml(), dotenv("", values))
    settings = load(path, {})
    assert set(settings.crm["org"].objects()) == {"contact", "lead"}
    assert settings.crm["org"].objects()["lead"].identity["linkedin_url"] == "LinkedIn_URL__c"


def test_a_dotenv_keeps_what_it_held() -> None:
    text = dotenv("# ours\nOTHER=1\nexport KEY=old\n", {"KEY": "new # no comment"})
    assert text.startswith("# ours\nOTHER=1\n")
    assert dotenv_values(stream=io.StringIO(text)) == {"OTHER": "1", "KEY": "new # no comment"}


def test_a_folder_that_cannot_take_both_files_takes_neither(tmp_path: Path) -> None:
    (tmp_path / "refill.toml").mkdir()
    with pytest.raises(OSError, match=r"refill\.toml"):
        place(tmp_path, "a = 1", "A=1\n")
    assert [one.name for one in tmp_path.iterdir()] == ["refill.toml"]


def test_the_list_of_texts_is_the_example_s() -> None:
    example = Path("config/refill.example.toml").read_text(encoding="utf-8")
    shown = re.search(r"# blank_values = \[(.*)\]", example)
    assert shown
    assert tuple(re.findall('"([^"]*)"', shown[1])) == BLANK_VALUES
