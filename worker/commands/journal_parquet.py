"""Writes the journal as a Parquet file. It needs pyarrow, an extra that nothing else asks for."""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from config.problems import ConfigError
from worker.decide.journal_line import JournalLine

ROWS = 10_000  # of a row group: the rows held in memory at once
MISSING = "a Parquet file needs pyarrow, which is an extra: pip install pyarrow"
_NUMBERS = frozenset({"credits"})


async def write_parquet(lines: AsyncIterator[JournalLine], path: Path) -> int:
    """Write the entries to a new file that only its owner may read; gives how many there are.

    Raises:
        ConfigError: pyarrow is not installed, or the file is there or cannot be written.
    """
    try:
        arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    except ImportError:
        raise ConfigError([MISSING]) from None
    schema, count, rows = _schema(arrow), 0, list[dict[str, Any]]()
    part = path.with_name(f"{path.name}.part")
    try:
        _prepare(path, part)
        with parquet.ParquetWriter(str(part), schema) as writer:
            async for one in lines:
                rows.append(asdict(one))
                count += 1
                if len(rows) == ROWS:
                    writer.write_table(arrow.Table.from_pylist(rows, schema))
                    rows = []
            if rows:
                writer.write_table(arrow.Table.from_pylist(rows, schema))
        part.replace(path)
    except OSError as error:
        raise ConfigError([f"{path} cannot be written: {error.strerror or type(error).__name__}"]) from None
    finally:
        part.unlink(missing_ok=True)
    return count


def _prepare(path: Path, part: Path) -> None:
    if path.exists():
        raise ConfigError([f"{path} is there already: name another file"])
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def _schema(arrow: Any) -> Any:
    """Returns the columns of ``--csv``: times in UTC, credits as numbers, texts as they are."""
    kinds = {"at": arrow.timestamp("ms", tz="UTC"), **dict.fromkeys(_NUMBERS, arrow.int64())}
    return arrow.schema([(one.name, kinds.get(one.name, arrow.string())) for one in fields(JournalLine)])
