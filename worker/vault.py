"""Keeps rotated refresh tokens, encrypted: the old one dies when a new one is handed out, so it must survive us."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from config.problems import ConfigError
from config.settings import Settings
from worker.ledger.cursors import Cursors

log = structlog.get_logger(__name__)


def secret_key(settings: Settings) -> SecretStr:
    """``REFILL_SECRET_KEY``; with the embedded Redis one is made and kept in ``data_dir`` when it is unset.

    Raises:
        ConfigError: it is unset and other machines share this Redis, so that one made here would be ours alone.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    if settings.redis.url is not None:
        raise ConfigError(["REFILL_SECRET_KEY is not set: what must be kept secret in your Redis is encrypted with it"])
    return SecretStr(_kept_key(settings.data_dir / "secret.key"))


def _kept_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # complete and private before it has its name: another process may read it the moment it is there
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text("ascii").strip()


class Vault:
    """Refresh tokens by crm."""

    def __init__(self, cursors: Cursors, settings: Settings) -> None:
        self._cursors, self._settings = cursors, settings

    async def refresh_token(self, crm: str) -> SecretStr | None:
        """The last token that was handed out, ``None`` when none was or it cannot be read with today's key."""
        kept = await self._cursors.get(f"refresh_token:{crm}")
        if not kept:
            return None
        try:
            return SecretStr(self._fernet().decrypt(kept.encode()).decode())
        except InvalidToken:
            log.error("vault.unreadable", crm=crm, hint="REFILL_SECRET_KEY changed: the configured token is used")
            return None

    def keeper(self, crm: str) -> Callable[[str], Awaitable[None]]:
        """What a connector calls with every new token."""

        async def keep(token: str) -> None:
            await self._cursors.set(f"refresh_token:{crm}", self._fernet().encrypt(token.encode()).decode())

        return keep

    def _fernet(self) -> Fernet:
        digest = hashlib.sha256(secret_key(self._settings).get_secret_value().encode()).digest()
        return Fernet(base64.urlsafe_b64encode(digest))
