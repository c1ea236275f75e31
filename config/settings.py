"""Provides everything that can be configured, as one frozen value. ``config.load`` builds it; nobody else does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    Field,
    NonNegativeInt,
    PositiveInt,
    PrivateAttr,
    SecretStr,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from config import retirements
from config.fields import EMAIL_FIELDS, PEOPLE, CompanyField, PersonField, with_defaults
from config.units import (
    BlankValues,
    HostName,
    Listed,
    Lock,
    Region,
    Secrets,
    Selection,
    Text,
    Zone,
    dotted,
)
from connectors.forager.options import ForagerOptions
from connectors.hubspot.options import HubSpotOptions
from connectors.hubspot.records import record_id as hubspot_id
from connectors.models import Grade
from connectors.openprospect.options import OpenProspectOptions
from connectors.options import Duration, Options, Place, Url
from connectors.ports import PaidVendor
from connectors.registry import PAID
from connectors.salesforce.ids import long_id
from connectors.salesforce.options import SalesforceOptions

if TYPE_CHECKING:
    PaidProvider = str
else:
    PaidProvider = Literal[tuple(sorted(PAID))]
OnUncertain = Literal["never", "once_if_uncharged"]
_PAGES = ".lightning.force.com"
_SHARED_LOGINS = frozenset({"login.salesforce.com", "test.salesforce.com"})
InstallationName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,64}$")]
CrmName = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")]


class Budget(Options):
    """Represents credits that may be spent; at least one of the two is set."""

    day: NonNegativeInt | None = None
    month: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.day is None and self.month is None:
            raise ValueError("limits nothing: write one such as { day = 500, month = 10000 }")
        return self


class Redis(Options):
    url: SecretStr | None = None  # unset: the embedded server
    allow_unsafe: bool = False

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("is no address of a Redis: write redis://, rediss:// or unix://")
        return url


class Web(Options):
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    public_url: Url | None = None  # signatures are checked over it; see ``origin``
    token: SecretStr | None = None
    metrics_token: SecretStr | None = None  # unset: /metrics answers whoever reaches it
    hosts: Annotated[tuple[HostName, ...], Listed] = ()  # further names of ours; see worker.web.hosts

    @property
    def origin(self) -> str:
        """Returns the address the outside calls us by, without a trailing slash."""
        return self.public_url or f"http://{self.host}:{self.port}"


class Worker(Options):
    concurrency: PositiveInt = 200
    grace: Duration = timedelta(seconds=75)


class AnswerSettings(Options):
    keep_hits: Duration = timedelta(days=90)
    keep_misses: Duration = timedelta(days=30)


class JournalSettings(Options):
    keep: Duration = timedelta(days=180)
    archive_dir: Place | None = None
    audit: bool = False

    @model_validator(mode="after")
    def _audit_has_a_place(self) -> Self:
        if self.audit and self.archive_dir is None:
            raise ValueError("journal.audit writes audit.jsonl in journal.archive_dir, which is not set")
        return self


class Paid(Options):
    """Holds the settings of every provider that costs credits."""

    budget: Budget
    live_reserve: float = Field(default=0.3, ge=0, le=1)
    skip_after: Duration = timedelta(hours=1)
    sole_user: bool = False
    reconcile_tolerance: NonNegativeInt = 0
    on_uncertain: OnUncertain


class _Logged(Paid):
    """Represents settings of a provider that keeps a log of what it charged."""

    on_uncertain: OnUncertain = "once_if_uncharged"


class _Unlogged(Paid):
    on_uncertain: OnUncertain = "never"

    @model_validator(mode="after")
    def _verdict_is_possible(self) -> Self:
        if self.on_uncertain == "once_if_uncharged" and not self.sole_user:
            raise ValueError(
                'cannot tell from a shared balance whether a call was charged: on_uncertain = "once_if_uncharged" '
                "needs sole_user = true"
            )
        return self


class OpenProspectSettings(OpenProspectOptions):
    poll_every: Duration = timedelta(minutes=5)
    discover: bool = True
    delivery_ids: Annotated[tuple[Text, ...], Listed] = ()
    deliver_to: Annotated[tuple[str, ...], Listed] = ()


class _Providers(Options):
    openprospect: OpenProspectSettings | None = None

    @property
    def paid(self) -> dict[str, Paid]:
        """Returns the configured providers that lookups go to, by name."""
        return {name: one for name in sorted(PAID) if (one := getattr(self, name)) is not None}

    @property
    def verify_person(self) -> bool:
        """Tells whether a person that Forager found is proved before anything else is bought of them."""
        forager = self.paid.get("forager")
        return not isinstance(forager, ForagerOptions) or forager.verify_person


def _table(name: str, vendor: PaidVendor) -> type[Options]:
    bases = (_Logged if vendor.keeps_log else _Unlogged, vendor.options)
    return create_model(f"{name.title()}Settings", __base__=bases)


if TYPE_CHECKING:
    Providers = _Providers
else:
    _TABLES = {name: (_table(name, vendor) | None, None) for name, vendor in sorted(PAID.items())}
    Providers = create_model("Providers", __base__=_Providers, **_TABLES)


class Rule(Options):
    """Tells how one field of one object is filled."""

    property: str = Field(min_length=1)
    # unset: whoever pays best is asked first; given, its order stands, and an empty one asks nobody
    from_: Annotated[tuple[PaidProvider, ...] | None, Listed] = Field(default=None, alias="from")
    write: Literal["if_blank", "if_ours", "never", "always"] = "if_blank"
    accept: Annotated[tuple[Grade, ...], Listed]  # of e-mails; empty for what has no grades
    lock: Lock | None = None  # what a person edited is left alone so long; unset: the crm's
    max_credits: NonNegativeInt | None = None


class WatchSettings(Options):
    """Represents one object of a CRM: what of it is filled, and what is read to find the person."""

    fields: Mapping[PersonField, Rule]
    identity: Mapping[PersonField, str]
    where: Mapping[str, Selection] = {}
    skip_if: Mapping[str, Text] = {}
    recheck: Duration = timedelta(days=180)
    allow_employer_changed: bool = False

    @field_validator("where", "skip_if", mode="before")
    @classmethod
    def _dotted(cls, raw: object) -> object:
        """Takes ``Owner.Name = ...`` for one name, which TOML reads as a table in a table."""
        return dotted(raw)

    @model_validator(mode="after")
    def _only_emails_have_grades(self) -> Self:
        for name, rule in self.fields.items():
            if name in EMAIL_FIELDS and not rule.accept:
                raise ValueError(f'fields.{name}.accept is empty, so nothing is ever written: write ["valid"]')
            if name not in EMAIL_FIELDS and rule.accept:
                raise ValueError(f"fields.{name} has no grades: only e-mails take accept")
        return self


class CompanyRule(Options):
    """Tells where one value of a delivered company is written."""

    property: str = Field(min_length=1)
    write: Literal["if_blank", "never"] = "if_blank"

    @model_validator(mode="before")
    @classmethod
    def _is_bought_of_nobody(cls, rule: object) -> object:
        """Refuses the keys that a person's field has and that would do nothing here."""
        idle = [name for name in ("from", "accept", "max_credits") if isinstance(rule, Mapping) and name in rule]
        if idle:
            raise ValueError(f"takes no {' and no '.join(idle)}: companies are delivered and not bought. Leave it out")
        return rule


class WatchedCompany(Options):
    fields: Mapping[CompanyField, CompanyRule]
    identity: Mapping[CompanyField, str]


class _HubSpotWatch(Options):
    contact: WatchSettings | None = None
    company: WatchedCompany | None = None


class _SalesforceWatch(_HubSpotWatch):
    lead: WatchSettings | None = None


class _Crm(Options):
    """Holds the settings that both kinds of CRM have."""

    poll_every: Duration = timedelta(minutes=1)
    lookback: Duration = timedelta(hours=24)
    mode: Literal["auto", "review", "observe"] = "auto"
    default_region: Region | None = None
    blank_values: BlankValues = ()
    budget: Budget | None = None
    verify_writes: bool | None = None  # unset: on where a rule is not if_blank
    deliver_as: Literal["contact", "lead"] = "contact"
    order: Literal["given", "learned"] = "given"  # "learned": what was seen to cost least, whatever "from" says
    lock: Lock = timedelta()  # of every field that has none of its own
    consent_unreadable: Literal["refuse", "accept"] = "refuse"  # "accept": a hidden opt-out counts as none
    opt_out: Mapping[Literal["contact", "lead"], Mapping[Text, Selection]] = {}  # values that say no; "" is a blank
    # by field: properties whose values say that what stands there bounced or is wrong; "*" is any value
    bad: Mapping[Literal["contact", "lead"], Mapping[PersonField, Mapping[Text, Selection]]] = {}
    create: Mapping[Literal["contact", "lead", "company"], Mapping[Text, Text]] = {}  # what new rows get besides
    webhook_secret: Secrets = ()
    watch: _HubSpotWatch = _HubSpotWatch()

    @model_validator(mode="after")
    def _bad_is_of_what_is_filled(self) -> Self:
        for kind, fields in self.bad.items():
            filled = self.objects()[kind].fields if kind in self.objects() else {}
            if idle := [name for name in fields if name not in filled]:
                raise ValueError(
                    f"bad.{kind}.{idle[0]} is of a field that is not filled: add it to watch.{kind}.fields"
                )
        return self

    def objects(self) -> dict[str, WatchSettings]:
        """Returns the watched objects that people are in, by name."""
        watched = {name: getattr(self.watch, name, None) for name in PEOPLE}
        return {name: one for name, one in watched.items() if one is not None}


class HubSpotSettings(_Crm, HubSpotOptions):
    kind: Literal["hubspot"]
    portal_id: PositiveInt | None = None
    app_id: PositiveInt | None = None
    deliver_as: Literal["contact"] = "contact"
    watch: _HubSpotWatch = _HubSpotWatch()

    @staticmethod
    def record_id(text: str) -> str:
        """Returns the one spelling of a record's id. Raises: ValueError for none; the message follows the id."""
        return hubspot_id(text)

    @field_validator("watch", mode="before")
    @classmethod
    def _fill_in(cls, watch: object) -> object:
        return _filled("hubspot", watch)

    @field_validator("create")
    @classmethod
    def _knows_no_leads(cls, create: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
        if "lead" in create:
            raise ValueError("names leads, which a portal has none of. Use create.contact")
        return create

    @model_validator(mode="after")
    def _has_credential(self) -> Self:
        if self.token is None:
            _require(self, "token", ("client_id", "client_secret", "refresh_token"))
        return self


class SalesforceSettings(_Crm, SalesforceOptions):
    kind: Literal["salesforce"]
    watch: _SalesforceWatch = _SalesforceWatch()

    _needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "client_credentials": ("client_id", "client_secret"),
        "jwt": ("client_id", "username", "private_key_file"),
        "refresh_token": ("client_id", "refresh_token"),
    }

    @staticmethod
    def record_id(text: str) -> str:
        """Returns the one spelling of a record's id. Raises: as for a portal."""
        return long_id(text)

    @field_validator("watch", mode="before")
    @classmethod
    def _fill_in(cls, watch: object) -> object:
        return _filled("salesforce", watch)

    @model_validator(mode="after")
    def _has_credential(self) -> Self:
        _require(self, "", self._needs[self.auth])
        if self.auth == "jwt" and self.private_key_file is not None and not self.private_key_file.is_file():
            raise ValueError(f"private_key_file: there is no file {self.private_key_file}")
        return self

    @field_validator("api_version")
    @classmethod
    def _is_answered(cls, api_version: str) -> str:
        end = retirements.of_salesforce_version(api_version)
        if end is not None and end.ends <= retirements.LOOKED_UP:
            raise ValueError(f'"{api_version}" is not answered any more: {end.sentence}')
        return api_version

    @model_validator(mode="after")
    def _speaks_to_the_org(self) -> Self:
        """Refuses the addresses that people copy from the browser and that no API answers."""
        host = urlsplit(self.base_url).hostname or ""
        if host.endswith(_PAGES):
            own = f"https://{host.removesuffix(_PAGES)}.my.salesforce.com"
            raise ValueError(f"base_url is the address of the org's pages. Use {own}")
        if self.auth == "client_credentials" and urlsplit(self.login_base or self.base_url).hostname in _SHARED_LOGINS:
            raise ValueError(
                'signs in with client credentials at a shared host. Use the org\'s own ("My Domain") address'
            )
        return self


class Settings(Options):
    """Represents the whole configuration."""

    data_dir: Place = Path(".refill")
    installation: InstallationName = ""  # tells two of one crm apart on one Redis; see worker.service.accounts
    budget_zone: Zone = "UTC"
    secret_key: SecretStr | None = None  # encrypts what must be kept; see worker.service.refresh_tokens
    redis: Redis = Redis()
    web: Web = Web()
    worker: Worker = Worker()
    answers: AnswerSettings = AnswerSettings()
    journal: JournalSettings = JournalSettings()
    providers: Providers = Providers()
    crm: Mapping[CrmName, Annotated[HubSpotSettings | SalesforceSettings, Field(discriminator="kind")]] = {}

    _warnings: tuple[str, ...] = PrivateAttr(default=())
    _exposed: tuple[str, ...] = PrivateAttr(default=())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Returns sentences for the operator about what was read and not used."""
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


CrmSettings = HubSpotSettings | SalesforceSettings


def _filled(kind: str, watch: object) -> object:
    if not isinstance(watch, Mapping):
        return watch
    return {
        object_: with_defaults(kind, object_, table) if isinstance(table, Mapping) else table
        for object_, table in watch.items()
    }


def _require(crm: BaseModel, instead: str, names: tuple[str, ...]) -> None:
    missing = [name for name in names if getattr(crm, name) is None]
    if missing:
        context: dict[str, Any] = {"missing": missing, "instead": instead}
        raise PydanticCustomError("credential", "has no credential", context)
