"""A saved plan comes back as it was; anything else is refused by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.problems import ConfigError
from connectors.models import Grade
from worker.decide.decision import Change
from worker.ledger.work.planned import PlannedFields
from worker.manual.plan_file import PlanWriter, saved_plan
from worker.visits.foresight import ForeseenVisit


def foreseen(id: str) -> ForeseenVisit:
    change = Change("work_email", "email", "ada@acme.com", "kaspr", Grade.VALID, "q")
    return ForeseenVisit("acme", "contact", id, changes=(change,), before={"work_email": ""}, mark="m")


def test_a_plan_is_read_as_it_was_written_and_holds_no_value(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    with PlanWriter(path) as writer:
        writer.add(foreseen("1"))
        writer.add(ForeseenVisit("acme", "contact", "2"))
        writer.add(foreseen("3"))
        assert not path.exists(), "half a plan is none"
    assert list(saved_plan(path)) == [PlannedFields("acme", "contact", one, ("work_email",), "m") for one in ("1", "3")]
    assert "ada@" not in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0


def test_a_plan_that_was_not_finished_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    before = '{"refill_plan":1}\n'
    path.write_text(before, encoding="utf-8")
    writer = PlanWriter(path)
    writer.__enter__()
    writer.add(foreseen("1"))
    writer.__exit__(KeyError)
    assert [one.name for one in tmp_path.iterdir()] == ["plan.jsonl"]
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("[]", "is not a plan"),
        ('{"refill_plan":2}', "is not a plan"),
        ('{"refill_plan":1}\n{"crm":"a"}', "line 2"),
        ('{"refill_plan":1}\n{"crm":"a","object":"contact","id":"1","fields":[],"mark":"m"}', "line 2"),
        ('{"refill_plan":1}\n{"crm":"a","object":"contact","id":1,"fields":["x"],"mark":"m"}', "line 2"),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        list(saved_plan(path))


def test_a_plan_that_is_not_there_or_cannot_be_saved_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(saved_plan(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be saved"), PlanWriter(tmp_path / "no" / "plan"):
        pass


def test_a_plan_replaces_a_plan_and_nothing_else(tmp_path: Path) -> None:
    config = tmp_path / "refill.toml"
    config.write_text('data_dir = ".refill"\n')
    with pytest.raises(ConfigError, match="is not a plan: name another file"), PlanWriter(config):
        pass
    assert config.read_text() == 'data_dir = ".refill"\n'
    for _ in range(2):
        with PlanWriter(tmp_path / "plan.jsonl"):
            pass
    assert list(saved_plan(tmp_path / "plan.jsonl")) == []
