"""A file that somebody names and that cannot be read is told by its cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.problems import ConfigError
from worker.commands.csv_text import read
from worker.commands.providers.output import WrongUseError
from worker.commands.providers.sheets import ORDER_COLUMNS, rows_of


def test_a_file_that_is_not_there_is_told_so_whoever_reads_it(tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    with pytest.raises(WrongUseError, match="there is no file"):
        rows_of(missing, ORDER_COLUMNS)
    with pytest.raises(ConfigError, match="there is no file"):
        read(missing)


def test_a_folder_and_another_encoding_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="cannot be read: is a directory"):
        rows_of(tmp_path, ORDER_COLUMNS)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("company_name\nMüller".encode("cp1252"))
    with pytest.raises(WrongUseError, match="it is not UTF-8 text"):
        rows_of(latin, ORDER_COLUMNS)
