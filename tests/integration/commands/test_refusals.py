"""Refuses with one sentence a start that would not be safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.installation import run
from tests.harness.redis import running
from tests.unit.config.samples import SMALL, SMALL_SECRETS

WRONG_USE = 2


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SMALL_SECRETS.items():
        monkeypatch.setenv(name, value)


def refusal(folder: Path, text: str = SMALL) -> str:
    """The only line that a worker says before it ends."""
    config = folder / "refill.toml"
    config.write_text(text, encoding="utf-8")
    ran = run(["worker", "--config", str(config)])
    assert (ran.code, ran.out) == (WRONG_USE, "")
    (line,) = ran.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("option", "word"), [(("--maxmemory-policy", "allkeys-lru"), "noeviction"), (("--appendonly", "no"), "appendonly")]
)
def test_a_redis_that_may_forget_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, str], word: str
) -> None:
    with running(*option) as server:
        monkeypatch.setenv("REFILL_REDIS__URL", f"unix://{server.socket}")
        assert word in refusal(tmp_path)


def test_a_redis_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFILL_REDIS__URL", f"unix://{tmp_path}/nobody.sock")
    assert "redis.url" in refusal(tmp_path)


def test_a_key_nobody_knows_is_refused(tmp_path: Path) -> None:
    assert "rait" in refusal(tmp_path, SMALL + '[web]\nrait = "1/second"\n')


def test_a_paid_provider_without_a_budget_is_refused(tmp_path: Path) -> None:
    assert "budget" in refusal(tmp_path, SMALL.replace("budget = {", "# budget = {"))


@pytest.mark.parametrize(("command", "code"), [("worker", 2), ("up", 2), ("sync", 2), ("check", 1)])
def test_what_would_look_at_nothing_is_refused(tmp_path: Path, command: str, code: int) -> None:
    config = tmp_path / "refill.toml"
    config.write_text('[crm.acme_hubspot]\nkind = "hubspot"\n', encoding="utf-8")
    ran = run([command, "--config", str(config)])
    assert (ran.code, ran.out == "") == (code, code == WRONG_USE)
    told = " ".join((ran.out + ran.err).split())
    assert "nothing is watched and nothing is delivered, so there is nothing to do" in told
    assert "[crm.<name>.watch.contact]" in told


def test_a_record_named_in_fewer_than_three_words_is_told_before_the_option_it_took(tmp_path: Path) -> None:
    config = tmp_path / "refill.toml"
    config.write_text(SMALL, encoding="utf-8")
    for command in ("sync", "plan", "report"):
        ran = run([command, "--record", "acme_hubspot:contact:101", "--config", str(config)])
        assert (ran.code, "takes three words, CRM OBJECT ID" in " ".join(ran.err.split())) == (WRONG_USE, True), command


def test_a_configuration_without_a_crm_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SMALL_SECRETS:
        monkeypatch.delenv(name)
    (tmp_path / "refill.toml").write_text(f'data_dir = "{tmp_path}/data"\n', encoding="utf-8")
    ran = run(["check", "--json", "--config", str(tmp_path / "refill.toml")])
    warned = [one["told"] for one in ran.json["checks"] if one["level"] == "warning"]
    assert (ran.code, warned) == (0, ["no crm is configured, so nothing is watched and nothing is written"])
