"""Files with secrets that every user of the machine can read are named, with the command that mends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.exposure import exposed
from config.load import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    path = tmp_path / ".env"
    path.write_text("REFILL_WEB__TOKEN=x\n")
    return path


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
def test_file_that_others_can_read_is_named_with_its_mend(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert exposed([file, file]) == (
        f"{file} holds secrets and every user of this machine can read it: run chmod o-rwx {file}",
    )


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o622])
def test_file_of_its_owner_and_group_is_fine(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert exposed([file, file.parent / "nothing"]) == ()


def test_file_in_a_folder_that_others_cannot_enter_is_fine(file: Path) -> None:
    file.chmod(0o644)
    file.parent.chmod(0o700)
    assert exposed([file]) == ()


def test_path_with_a_blank_is_quoted_in_the_command(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "a key.pem"
    path.write_text("")
    path.chmod(0o644)
    (sentence,) = exposed([path])
    assert sentence.endswith(f"run chmod o-rwx '{path}'")


def test_every_place_of_secrets_is_looked_at(file: Path) -> None:
    folder = file.parent
    secrets, key = folder / "secrets", folder / "key.pem"
    secrets.mkdir(mode=0o755)
    named = secrets / "refill_crm__acme__username"
    named.write_text("ada@example.com")
    key.write_text("")
    (folder / "refill.toml").write_text(
        '[crm.acme]\nkind = "salesforce"\nauth = "jwt"\nbase_url = "https://acme.my.salesforce.com"\n'
    )
    for one in (file, named, key):
        one.chmod(0o644)
    environ = {
        "REFILL_SECRETS_DIR": "secrets",
        "REFILL_CRM__ACME__CLIENT_ID": "x",
        "REFILL_CRM__ACME__PRIVATE_KEY_FILE": str(key),
    }
    settings = load(folder / "refill.toml", environ)
    assert [sentence.split(" ")[0] for sentence in settings.exposed] == [str(file), str(named), str(key)]
    assert settings.warnings == ("no paid provider is configured: gaps are found and nothing is looked up",)
