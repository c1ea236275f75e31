"""From the configuration to what each connector is told: the one place that knows both spellings."""

from __future__ import annotations

from config.settings import (
    CrmSettings,
    ForagerSettings,
    HubSpotSettings,
    KasprSettings,
    OpenProspectSettings,
    SalesforceSettings,
    windows,
)
from connectors import forager, kaspr, openprospect
from connectors.hubspot.options import HubSpotOptions
from connectors.hubspot.records import record_id as hubspot_id
from connectors.salesforce.ids import long_id
from connectors.salesforce.options import SalesforceOptions


def record_id(settings: CrmSettings, text: str) -> str:
    """The one spelling of a record's id in a crm.

    Raises:
        ValueError: it is none there; the message follows the id.
    """
    match settings:
        case HubSpotSettings():
            return hubspot_id(text)
        case SalesforceSettings():
            return long_id(text)


def forager_options(settings: ForagerSettings) -> forager.ForagerOptions:
    """Forager's account and rate."""
    return forager.ForagerOptions(
        api_key=settings.api_key,
        base_url=settings.base_url,
        account_id=settings.account_id,
        rate=windows(settings.rate),
    )


def kaspr_options(settings: KasprSettings) -> kaspr.KasprOptions:
    """Kaspr's dialect, key and rate."""
    return kaspr.KasprOptions(
        api_key=settings.api_key,
        base_url=settings.base_url,
        dialect=settings.dialect,
        auth_scheme=settings.auth_scheme,
        rate=windows(settings.rate),
    )


def openprospect_options(settings: OpenProspectSettings) -> openprospect.OpenProspectOptions:
    """OpenProspect's key and rate."""
    return openprospect.OpenProspectOptions(
        api_key=settings.api_key, base_url=settings.base_url, rate=windows(settings.rate)
    )


def hubspot_options(name: str, settings: HubSpotSettings) -> HubSpotOptions:
    """One portal."""
    return HubSpotOptions(
        name=name,
        base_url=settings.base_url,
        api_version=settings.api_version,
        token=settings.token,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        refresh_token=settings.refresh_token,
        external_id=settings.external_id,
        index_lag_s=settings.index_lag.total_seconds(),
    )


def salesforce_options(name: str, settings: SalesforceSettings) -> SalesforceOptions:
    """One org."""
    return SalesforceOptions(
        name=name,
        base_url=settings.base_url,
        org_id=settings.org_id or "",
        login_base=settings.login_base,
        audience=settings.audience or "",
        auth=settings.auth,
        api_version=settings.api_version,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        username=settings.username,
        private_key_file=settings.private_key_file,
        refresh_token=settings.refresh_token,
        external_id=settings.external_id,
        allow_duplicates=settings.duplicate_rule == "allow",
        strict=settings.strict,
    )
