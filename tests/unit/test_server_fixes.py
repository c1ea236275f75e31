from __future__ import annotations

import pytest

from worker.redis.server_fixes import lacks_fixes


@pytest.mark.parametrize(
    ("kind", "version", "lacks"),
    [
        ("redis", "6.2.14", True),
        ("redis", "6.2.20", False),
        ("redis", "7.0.15", True),
        ("redis", "7.2.4", True),
        ("redis", "7.2.11", False),
        ("redis", "7.4.5", True),
        ("redis", "8.0.4", False),
        ("redis", "8.2.1", True),
        ("redis", "8.4.0", False),
        ("valkey", "7.2.10", True),
        ("valkey", "8.0.6", False),
        ("valkey", "8.1.3", True),
        ("valkey", "8.1.4", False),
        ("valkey", "9.1.2", False),
        ("valkey", "9", True),
    ],
)
def test_a_server_older_than_the_fixes_is_told(kind: str, version: str, lacks: bool) -> None:
    assert lacks_fixes(kind, version) is lacks
