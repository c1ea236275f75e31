"""The rule of docs/redis.md is the one that the suite runs under, and names all that the scripts send."""

from __future__ import annotations

import re
from pathlib import Path

from worker.ledger.access import rule

ROOT = Path(__file__).parents[2]


def test_page_shows_the_rule_that_the_suite_runs_under() -> None:
    page = (ROOT / "docs" / "redis.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```\nACL SETUSER refill on >secret (.*?)```", page, re.DOTALL)
    assert shown.split() == rule((8, 0))


def test_rule_allows_every_command_of_the_scripts() -> None:
    sent = {
        command.lower()
        for script in (ROOT / "worker" / "ledger").rglob("*.lua")
        for command in re.findall(r"redis\.p?call\(\s*'(\w+)'", script.read_text(encoding="utf-8"))
    }
    assert sent <= {word.removeprefix("+") for word in rule((8, 0))}


def test_rule_allows_nothing_that_reaches_beyond_our_keys() -> None:
    told = rule((8, 0))
    for word in ("config", "flushall", "flushdb", "keys", "debug", "acl", "shutdown", "replicaof", "module", "script"):
        assert f"+{word}" not in told


def test_server_that_does_not_know_a_command_gets_a_rule_without_it() -> None:
    assert "+waitaof" not in rule((7, 0))
