"""Holds the whole configuration as one frozen value. Only ``config.load`` builds it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    Field,
    PositiveInt,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)

from config.crms import CrmSettings
from config.paid import Providers
from config.units import (
    HeaderName,
    HostName,
    Listed,
    Network,
    Zone,
)
from connectors.alerts.options import AlertOptions
from connectors.options import Duration, Options, Place, Url

InstallationName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,64}$")]
CRM_NAME = r"^[a-z0-9]+(_[a-z0-9]+)*$"
CrmName = Annotated[str, Field(pattern=CRM_NAME)]


class Redis(Options):
    url: SecretStr | None = None
    """Your Redis: `redis://`, `rediss://` or `unix://`. Unset: a server of our own under `data_dir`."""
    allow_unsafe: bool = False
    """`true` starts on a Redis that may forget: lookups may then be paid twice."""

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("is not a valid Redis address; use redis://, rediss:// or unix://")
        return url


class Web(Options):
    host: str = "127.0.0.1"
    """The address that the web process listens on."""
    port: int = Field(default=8080, ge=0, le=65_535)
    """The port that the web process listens on; 0 takes any."""
    public_url: Url | None = None
    """The address that webhooks call; signatures are checked over it. Unset: `http://host:port`."""
    token: SecretStr | None = None
    """Opens the page, to admins, and `POST /api/enrich`. Unset: both are off."""
    operator_token: SecretStr | None = None
    """Opens the page to operators, who decide and replay (docs/page.md)."""
    viewer_token: SecretStr | None = None
    """Opens the page to viewers, who change nothing."""
    metrics_token: SecretStr | None = None
    """The bearer token of `/metrics`. Unset: `/metrics` answers anybody who reaches it."""
    hosts: Annotated[tuple[HostName, ...], Listed] = ()  # further names of ours; see worker.web.hosts
    """Further names for the web process, besides addresses and names without a dot."""
    roles_header: HeaderName | None = None
    """The header with a visitor's role (viewer, operator, admin), sent by one of `proxies`."""
    user_header: HeaderName | None = None
    """The header with the visitor's name for the journal, likewise."""
    proxies: Annotated[tuple[Network, ...], Listed] = ()
    """Addresses or networks from which these headers are believed."""

    @property
    def origin(self) -> str:
        """Returns the address the outside calls us by, without a trailing slash."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @model_validator(mode="after")
    def _page_tokens_are_told_apart(self) -> Self:
        tokens = (self.token, self.operator_token, self.viewer_token)
        given = [one.get_secret_value() for one in tokens if one is not None]
        if given and self.token is None:
            raise ValueError("operator_token and viewer_token open no page alone. Set REFILL_WEB__TOKEN too")
        if len(set(given)) < len(given):
            raise ValueError("token, operator_token and viewer_token must differ: a role is known by its token")
        return self

    @model_validator(mode="after")
    def _headers_come_from_proxies(self) -> Self:
        if (self.roles_header or self.user_header) and not self.proxies:
            raise ValueError('roles_header and user_header are believed from proxies only: name them, as "10.0.0.7"')
        return self


class Worker(Options):
    concurrency: PositiveInt = 200
    """Visits at a time, per process."""
    grace: Duration = timedelta(seconds=75)
    """How long SIGTERM waits for work in flight."""


class AnswerSettings(Options):
    keep_hits: Duration = timedelta(days=90)
    """How long a question that was answered is not paid for again."""
    keep_misses: Duration = timedelta(days=30)
    """The same for a question that the provider had nothing on."""


class JournalSettings(Options):
    keep: Duration = timedelta(days=180)
    """How long entries of the journal stay in Redis."""
    archive_dir: Place | None = None
    """Where older entries are appended as monthly JSON lines, one folder for all workers. Unset: they are dropped."""
    audit: bool = False
    """Every entry also goes to `audit.jsonl` there, each line with the hash of the one before."""

    @model_validator(mode="after")
    def _audit_has_a_place(self) -> Self:
        if self.audit and self.archive_dir is None:
            raise ValueError("journal.audit writes audit.jsonl in journal.archive_dir, which is not set")
        return self


class Settings(Options):
    """Holds the whole configuration."""

    data_dir: Place = Path(".refill")
    """Where paid replies, the embedded Redis and signs of life are kept; relative to `refill.toml`."""
    installation: InstallationName = ""  # tells two of one crm apart on one Redis; see worker.service.accounts
    """Tells two installations of one crm apart on one Redis; the second is refused."""
    budget_zone: Zone = "UTC"
    """The time zone whose midnight begins a budget's day."""
    secret_key: SecretStr | None = None  # encrypts what must be kept; see worker.service.refresh_tokens
    """Encrypts what must be kept secret in Redis, and makes the hashes of suppressed people."""
    redis: Redis = Redis()
    web: Web = Web()
    worker: Worker = Worker()
    answers: AnswerSettings = AnswerSettings()
    journal: JournalSettings = JournalSettings()
    alerts: AlertOptions = AlertOptions()
    providers: Providers = Providers()
    crm: Mapping[CrmName, Annotated[CrmSettings, Field(discriminator="kind")]] = {}

    _warnings: tuple[str, ...] = PrivateAttr(default=())
    _exposed: tuple[str, ...] = PrivateAttr(default=())

    @property
    def sources(self) -> list[str]:
        """Returns all sources of records: the crms, and OpenProspect if it is configured."""
        return [*self.crm, *(["openprospect"] if self.providers.openprospect else [])]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Returns sentences for the operator about keys that were read and not used."""
        return self._warnings

    @property
    def exposed(self) -> tuple[str, ...]:
        """Returns sentences about files with secrets that every user of the machine can read."""
        return self._exposed

    def with_warnings(self, warnings: tuple[str, ...], exposed: tuple[str, ...] = ()) -> Self:
        """Returns the same configuration with what ``load`` has to say about it."""
        copy = self.model_copy()
        copy._warnings, copy._exposed = warnings, exposed  # noqa: SLF001  # a copy of our own
        return copy
