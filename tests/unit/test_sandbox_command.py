"""Keeps the sandbox's command from overwriting a configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from config.problems import ConfigError
from worker.commands.sandbox import command


@pytest.mark.parametrize("name", ["refill.toml", ".env"])
def test_a_sandbox_never_takes_the_place_of_a_configuration(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("REFILL_CRM__PORTAL__TOKEN=pat-eu1-1\n")
    with pytest.raises(ConfigError, match="another configuration"):
        asyncio.run(command(tmp_path, records=1, seed=1, port_base=0, faults="none"))
    assert (tmp_path / name).read_text() == "REFILL_CRM__PORTAL__TOKEN=pat-eu1-1\n"
