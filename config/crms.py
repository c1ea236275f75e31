"""Defines a CRM's configuration: the objects that are watched, filled, read and created there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    Field,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from config import retirements
from config.fields import EMAIL_FIELDS, PEOPLE, CompanyField, PersonField, with_defaults
from config.paid import Budget, PaidProvider
from config.units import (
    BlankValues,
    Listed,
    Lock,
    Region,
    Secrets,
    Selection,
    Text,
    dotted,
)
from connectors.hubspot.ids import record_id as hubspot_id
from connectors.hubspot.options import HubSpotOptions
from connectors.models import Grade
from connectors.options import Duration, Options
from connectors.salesforce.ids import long_id
from connectors.salesforce.options import SalesforceOptions

_PAGES = ".lightning.force.com"
_SHARED_LOGINS = frozenset({"login.salesforce.com", "test.salesforce.com"})


class Rule(Options):
    """Tells how one field of one object is filled."""

    property: str = Field(min_length=1)
    """The CRM's property that holds the field."""
    from_: Annotated[tuple[PaidProvider, ...] | None, Listed] = Field(default=None, alias="from")
    """The providers to ask, in this order; an empty list asks none. Unset: the one that brings most for a credit
    first."""
    write: Literal["if_blank", "if_ours", "never", "always"] = "if_blank"
    """`if_blank` writes only into blanks, `if_ours` also over our own values, `always` over all, `never` nowhere."""
    accept: Annotated[tuple[Grade, ...], Listed]
    """Grades of e-mails that are written; nothing else has grades."""
    lock: Lock | None = None
    """How long a value or blank of a person's is left alone. Unset: the crm's `lock`."""
    max_credits: NonNegativeInt | None = None
    """Credits that one lookup for this field may cost. Unset: any."""


class WatchSettings(Options):
    """Configures one object of a CRM: the fields to fill, and the properties that find the person."""

    fields: Mapping[PersonField, Rule]
    """The fields that are filled, each a table: unset, work e-mail, phone, mobile phone and job title."""
    identity: Mapping[PersonField, str]
    """The properties that are read to find the person; those in their usual places need no mention."""
    where: Mapping[str, Selection] = {}
    """Only records that have one of these values are looked at; all properties must fit. Of an option either its value
    or its label."""
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
    """Contacts: the fields to fill, and the properties that find the person."""
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
    """Reads the history after writing, and restores values that a person wrote meanwhile. Unset: if a rule is not
    `if_blank`."""
    deliver_as: Literal["contact", "lead"] = "contact"
    """The object that a delivered person becomes."""
    order: Literal["given", "learned"] = "given"
    """`learned`: ask first the provider that has cost least, whatever `from` says."""
    lock: Lock = timedelta()
    """How long a value that a person typed or cleared is left alone, whatever `write` says, such as `9 months`;
    for every field without a lock of its own."""
    consent_unreadable: Literal["refuse", "accept"] = "refuse"
    """`accept`: work even if our user may not see who opted out."""
    opt_out: Mapping[Literal["contact", "lead"], Mapping[Text, Selection]] = {}
    """Values that mean an opt-out, besides the CRM's own opt-outs; `""` is a blank."""
    bad: Mapping[Literal["contact", "lead"], Mapping[PersonField, Mapping[Text, Selection]]] = {}
    """By field: properties whose values report that our value bounced or is wrong; `"*"` is any value."""
    create: Mapping[Literal["contact", "lead", "company"], Mapping[Text, Text]] = {}
    """Constants for rows that deliveries create, besides the delivered values."""
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
                    f"bad.{kind}.{idle[0]} names a field that is not filled: add it to watch.{kind}.fields"
                )
        return self

    def watching(self, object: str) -> WatchSettings | WatchedCompany | None:
        """Returns the configuration of an object, companies among them; ``None`` if it is not watched."""
        found: WatchSettings | WatchedCompany | None = getattr(self.watch, object, None)
        return found

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
    """The app whose webhooks are accepted. Unset: any app of the portal."""
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
            raise ValueError("names leads, which HubSpot does not have here. Use create.contact")
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
            raise ValueError(f'"{api_version}" is no longer supported: {end.sentence}')
        return api_version

    @model_validator(mode="after")
    def _speaks_to_the_org(self) -> Self:
        """Refuses the addresses that people copy from the browser and that no API answers."""
        try:
            of_the_org(self.base_url)
        except ValueError as error:
            raise ValueError(f"base_url {error}") from None
        if self.auth == "client_credentials" and urlsplit(self.login_base or self.base_url).hostname in _SHARED_LOGINS:
            raise ValueError(
                'signs in with client credentials at a shared host. Use the org\'s own ("My Domain") address'
            )
        return self


def of_the_org(address: str) -> str:
    """Returns an address at which an org's API may be.

    Raises:
        ValueError: it surely is not; says what it is instead.
    """
    host = urlsplit(address).hostname or ""
    if host.endswith(_PAGES):
        raise ValueError(
            f"is the address of the org's pages. Use https://{host.removesuffix(_PAGES)}.my.salesforce.com"
        )
    return address


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
