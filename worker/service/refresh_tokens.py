"""Keeps OAuth grants, encrypted: a refresh token dies when a new one is handed out, so the new one must survive us."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from pydantic import SecretStr

from config.problems import ConfigError
from config.settings import Settings
from connectors.errors import SignInUnavailableError
from connectors.oauth import Grant, GrantStore, RenewalLease
from worker.ledger.intake.grants import Grants, LeaseTry
from worker.ledger.money.handle_lists import Suppressions
from worker.ledger.scripts import LedgerUnavailableError, Scripts

if TYPE_CHECKING:
    from cryptography.fernet import Fernet  # six megabytes, and hardly any crm signs in with a grant

LEASE_MS = 90_000  # longer than a token call lasts, which ends after 70 s
LOOK_S = 0.2
log = structlog.get_logger(__name__)


def secret_key(settings: Settings) -> SecretStr:
    """Returns ``REFILL_SECRET_KEY``; with the embedded Redis one is made and kept in ``data_dir`` when it is unset.

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


def suppressions_of(settings: Settings, scripts: Scripts) -> Suppressions:
    """Returns the suppression list; it cannot be added to where ``secret_key`` refuses."""
    with contextlib.suppress(ConfigError):
        return Suppressions(scripts, secret_key(settings).get_secret_value())
    return Suppressions(scripts, None)


class RefreshTokens:
    """Keeps the newest OAuth grants by crm."""

    def __init__(self, grants: Grants, settings: Settings) -> None:
        self._grants, self._settings = grants, settings

    def store(self, crm: str, client_id: SecretStr | None, refresh_token: SecretStr) -> GrantStore:
        """Returns the key under which the grants of one crm are kept.

        Grants kept for another configured credential count no more.
        """
        named = f"{client_id.get_secret_value() if client_id else ''}\n{refresh_token.get_secret_value()}"
        return _Store(crm, self._grants, self._fernet(), refresh_token, hashlib.sha256(named.encode()).hexdigest())

    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        digest = hashlib.sha256(secret_key(self._settings).get_secret_value().encode()).digest()
        return Fernet(base64.urlsafe_b64encode(digest))


class _Store:
    """Keeps the grants of one configured credential. ``origin`` names that credential without telling it."""

    def __init__(self, crm: str, grants: Grants, fernet: Fernet, refresh_token: SecretStr, origin: str) -> None:
        self._crm, self._grants, self._fernet = crm, grants, fernet
        self._refresh_token, self._origin = refresh_token, origin
        self._unkept: Grant | None = None  # the vendor's reply while Redis was unavailable

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[RenewalLease]:
        owner = secrets.token_hex(8)
        taken = await self._taken(owner)
        try:
            lease = _Lease(self, owner, taken.fence, self._read(taken.grant))
            if self._unkept is not None:
                await lease.keep(self._unkept)
            yield lease
        finally:
            with contextlib.suppress(LedgerUnavailableError):  # it expires on its own
                await self._grants.release(self._crm, owner)

    async def _taken(self, owner: str) -> LeaseTry:
        """Wait for the lease, no longer than one renewal takes.

        Raises:
            SignInUnavailableError: another process still has it.
        """
        ends = time.monotonic() + LEASE_MS / 1000
        while True:
            taken = await self._grants.take(self._crm, owner, LEASE_MS)
            if taken.fence:
                return taken
            if time.monotonic() >= ends:
                raise SignInUnavailableError(self._crm, "oauth.lease", retry_after_s=LOOK_S, bucket=self._crm)
            await asyncio.sleep(min(LOOK_S, taken.left_ms / 1000))

    async def extend(self, owner: str, fence: int) -> None:
        taken = await self._grants.take(self._crm, owner, LEASE_MS)
        if taken.fence != fence:  # this process stood still for so long that another one has begun
            raise SignInUnavailableError(self._crm, "oauth.lease", retry_after_s=LOOK_S, bucket=self._crm)

    async def keep(self, fence: int, grant: Grant, *, sync: bool) -> None:
        self._unkept = grant
        if not await self._grants.keep(self._crm, fence, self._written(grant), sync=sync):
            log.warning("oauth.grant.overtaken", crm=self._crm)
        self._unkept = None

    def first(self) -> SecretStr:
        return self._refresh_token

    def _written(self, grant: Grant) -> str:
        fields = {"origin": self._origin, **grant.model_dump()}
        text = json.dumps({name: _plain(value) for name, value in fields.items()}, separators=(",", ":"))
        return self._fernet.encrypt(text.encode()).decode()

    def _read(self, kept: str) -> Grant | None:
        """Returns the grant kept last, ``None`` when it is of another credential or unreadable with today's key."""
        from cryptography.fernet import InvalidToken

        if not kept:
            return None
        try:
            fields = json.loads(self._fernet.decrypt(kept.encode()))
        except InvalidToken:
            log.error("vault.unreadable", crm=self._crm, hint="REFILL_SECRET_KEY changed: the configured token is used")
            return None
        return Grant(**fields) if fields.pop("origin") == self._origin else None


class _Lease:
    """Holds the right to renew, until somebody has a higher ``fence``."""

    def __init__(self, store: _Store, owner: str, fence: int, grant: Grant | None) -> None:
        self._store, self._owner, self._fence = store, owner, fence
        self.grant = grant
        self.refresh_token = (grant.refresh_token if grant else None) or store.first()

    async def extend(self) -> None:
        await self._store.extend(self._owner, self._fence)

    async def keep(self, grant: Grant) -> None:
        """Keep the grant; one without its own refresh token leaves the old one valid."""
        rotated = grant.refresh_token is not None and grant.refresh_token != self.refresh_token
        self.grant = grant.model_copy(update={"refresh_token": grant.refresh_token or self.refresh_token})
        await self._store.keep(self._fence, self.grant, sync=rotated)


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
