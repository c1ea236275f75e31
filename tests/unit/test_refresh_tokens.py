from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.load import load
from config.problems import ConfigError
from config.settings import Settings
from worker.service.refresh_tokens import secret_key


def settings(folder: Path, **environ: str) -> Settings:
    (folder / "refill.toml").write_text("")
    return load(folder / "refill.toml", environ)


def test_key_of_the_environment_is_used_and_none_is_made(tmp_path: Path) -> None:
    assert secret_key(settings(tmp_path, REFILL_SECRET_KEY="given")).get_secret_value() == "given"
    assert not (tmp_path / ".refill").exists()


def test_processes_that_start_together_make_one_private_key(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = {secret.get_secret_value() for secret in pool.map(secret_key, [ours] * 32)}
    assert len(keys) == 1
    assert len(keys.pop()) >= 32
    (file,) = (tmp_path / ".refill").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_shared_redis_needs_a_key_that_all_machines_share(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="REFILL_SECRET_KEY is not set"):
        secret_key(settings(tmp_path, REFILL_REDIS__URL="redis://cache"))
