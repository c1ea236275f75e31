"""Without its extra a Parquet export says what to install, and leaves nothing behind."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.problems import ConfigError
from worker.commands.journal_parquet import write_parquet
from worker.decide.journal_line import JournalLine


async def nothing() -> AsyncIterator[JournalLine]:
    none: tuple[JournalLine, ...] = ()
    for one in none:
        yield one


async def test_without_pyarrow_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it was never installed
    with pytest.raises(ConfigError, match="pip install pyarrow"):
        await write_parquet(nothing(), tmp_path / "journal.parquet")
    assert list(tmp_path.iterdir()) == []
