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
    HeaderName,
    HostName,
    Listed,
    Lock,
    Network,
    Region,
    Secrets,
    Selection,
    Text,
    Zone,
    dotted,
)
from connectors.alerts.options import AlertOptions
from connectors.forager.options import ForagerOptions
from connectors.hubspot.ids import record_id as hubspot_id
from connectors.hubspot.options import HubSpotOptions
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
    """Credits that may be spent a day; the day begins at midnight in `budget_zone`."""
    month: NonNegativeInt | None = None
    """Credits that may be spent a calendar month."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.day is None and self.month is None:
            raise ValueError("limits nothing: write one such as { day = 500, month = 10000 }")
        return self


class Redis(Options):
    url: SecretStr | None = None
    """Your Redis: `redis://`, `rediss://` or `unix://`. Unset: a server of our own under `data_dir`."""
    allow_unsafe: bool = False
    """`true` starts on a Redis that may forget: lookups may then be paid twice."""

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("is no address of a Redis: write redis://, rediss:// or unix://")
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
    """The bearer token of `/metrics`. Unset: `/metrics` answers whoever reaches it."""
    hosts: Annotated[tuple[HostName, ...], Listed] = ()  # further names of ours; see worker.web.hosts
    """Further names by which the web process is called, besides addresses and names without a dot."""
    roles_header: HeaderName | None = None
    """Names the role of a visitor of the page (viewer, operator, admin), where one of `proxies` sends it."""
    user_header: HeaderName | None = None
    """Names the visitor for the journal, likewise."""
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
    """How long SIGTERM waits for what is in flight."""


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


class Paid(Options):
    """Holds the settings of every provider that costs credits."""

    budget: Budget
    """Credits that may be spent; no paid provider works without one."""
    live_reserve: float = Field(default=0.3, ge=0, le=1)
    """Share of a day's budget that a backfill leaves alone."""
    skip_after: Duration = timedelta(hours=1)
    """How long a record waits for the provider's outage before it goes on without it."""
    sole_user: bool = False
    """`true`: nobody else spends from this account, so its balance proves something."""
    reconcile_tolerance: NonNegativeInt = 0
    """Credits by which bill and books may differ before the provider is paused."""
    on_uncertain: OnUncertain
    """The end of a lookup that nobody knows: `once_if_uncharged` asks again where the provider's log proves that
    it was not charged."""


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
    """How often deliveries are pulled; stretched when the rate cannot carry it."""
    discover: bool = True
    """`true` takes every search of the account, `false` those of `delivery_ids` only."""
    delivery_ids: Annotated[tuple[Text, ...], Listed] = ()
    """The searches whose results are delivered, besides those that are discovered."""
    deliver_to: Annotated[tuple[str, ...], Listed] = ()
    """The CRMs, by name, that get what is delivered."""


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
    """The CRM's property that holds the field."""
    from_: Annotated[tuple[PaidProvider, ...] | None, Listed] = Field(default=None, alias="from")
    """The providers to ask, in this order; an empty list asks nobody. Unset: the one that brings most for a credit
    first."""
    write: Literal["if_blank", "if_ours", "never", "always"] = "if_blank"
    """The values of others that may be written over."""
    accept: Annotated[tuple[Grade, ...], Listed]
    """Grades of e-mails that are written; nothing else has grades."""
    lock: Lock | None = None
    """How long a value or blank of a person's is left alone. Unset: the crm's `lock`."""
    max_credits: NonNegativeInt | None = None
    """Credits that one lookup for this field may cost. Unset: any."""


class WatchSettings(Options):
    """Represents one object of a CRM: what of it is filled, and what is read to find the person."""

    fields: Mapping[PersonField, Rule]
    """The fields that are filled, each a table: unset, work e-mail, phone, mobile phone and job title."""
    identity: Mapping[PersonField, str]
    """The properties that are read to find the person; what stands in its usual place needs no mention."""
    where: Mapping[str, Selection] = {}
    """Only records that have one of these values are looked at; all properties must fit."""
    skip_if: Mapping[str, Text] = {}
    """Records that have one of these values are never looked at."""
    recheck: Duration = timedelta(days=180)
    """When a record that stayed incomplete is looked at again."""
    allow_employer_changed: bool = False
    """`true` writes a work e-mail of another company than the record's."""

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
    """The CRM's property that gets the value."""
    write: Literal["if_blank", "never"] = "if_blank"
    """`never` leaves the property alone."""

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
    """Where values of delivered companies are written, each a table."""
    identity: Mapping[CompanyField, str]
    """The properties by which a delivered company is found."""


class _HubSpotWatch(Options):
    contact: WatchSettings | None = None
    """Contacts: what is filled, and what is read to find the person."""
    company: WatchedCompany | None = None
    """Where the values of delivered companies go."""


class _SalesforceWatch(_HubSpotWatch):
    lead: WatchSettings | None = None
    """Leads, as contacts."""


class _Crm(Options):
    """Holds the settings that both kinds of CRM have."""

    poll_every: Duration = timedelta(minutes=1)
    """How often changed records are asked for."""
    lookback: Duration = timedelta(hours=24)
    """How far back the first poll looks."""
    mode: Literal["auto", "review", "observe"] = "auto"
    """`review`: changes and deliveries wait for approval. `observe`: nothing is paid or written."""
    default_region: Region | None = None
    """Country of phone numbers that name none, such as `DE`. Unset: such a number is left out."""
    blank_values: BlankValues = ()
    """Texts that count as a gap and may be replaced, such as `N/A`; whole values, case aside."""
    budget: Budget | None = None
    """Credits that may be spent for this crm, over all providers."""
    verify_writes: bool | None = None
    """Reads the history after writing and gives back what a person wrote meanwhile. Unset: where a rule is not
    `if_blank`."""
    deliver_as: Literal["contact", "lead"] = "contact"
    """The object that a delivered person becomes."""
    order: Literal["given", "learned"] = "given"
    """`learned`: ask what was seen to cost least first, whatever `from` says."""
    lock: Lock = timedelta()
    """How long a value or blank of a person's is left alone, whatever `write` says, such as `9 months`; of every
    field without a lock of its own."""
    consent_unreadable: Literal["refuse", "accept"] = "refuse"
    """`accept`: work although our user may not see who opted out."""
    opt_out: Mapping[Literal["contact", "lead"], Mapping[Text, Selection]] = {}
    """Values that say no, besides the CRM's own opt-outs; `""` is a blank."""
    bad: Mapping[Literal["contact", "lead"], Mapping[PersonField, Mapping[Text, Selection]]] = {}
    """By field: properties whose values say that what stands there bounced or is wrong; `"*"` is any value."""
    create: Mapping[Literal["contact", "lead", "company"], Mapping[Text, Text]] = {}
    """Constants for rows that deliveries make, besides what is delivered."""
    webhook_secret: Secrets = ()
    """The secret that webhooks are signed with; two with a comma between them while one is replaced."""
    watch: _HubSpotWatch = _HubSpotWatch()
    """The objects that are watched, each a table."""

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
    """The CRM it is."""
    portal_id: PositiveInt | None = None
    """Lets webhooks without a name in their path find this crm, and pins the portal."""
    app_id: PositiveInt | None = None
    """The app whose webhooks are taken. Unset: any app of the portal."""
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
    """The CRM it is."""
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
