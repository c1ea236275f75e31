"""Every configured vendor's connector, on whatever limiter it is given: the one place that builds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from config.settings import (
    CrmSettings,
    ForagerSettings,
    HubSpotSettings,
    KasprSettings,
    OpenProspectSettings,
    SalesforceSettings,
    Settings,
)
from connectors.forager import client as forager
from connectors.hubspot import client as hubspot
from connectors.kaspr import client as kaspr
from connectors.limits import Limiter
from connectors.openprospect import client as openprospect
from connectors.ports import Crm, Provider
from connectors.salesforce import client as salesforce
from worker.service.refresh_tokens import RefreshTokens

LimiterOf: TypeAlias = Callable[[str], Limiter]


def open_providers(settings: Settings, limiter_of: LimiterOf) -> dict[str, Provider]:
    """The paid providers by name; each is to be closed."""
    found: dict[str, Provider] = {}
    if settings.providers.forager:
        found["forager"] = open_forager(settings.providers.forager, limiter_of("forager"))
    if settings.providers.kaspr:
        found["kaspr"] = open_kaspr(settings.providers.kaspr, limiter_of("kaspr"))
    return found


def open_forager(settings: ForagerSettings, limiter: Limiter) -> forager.Forager:
    """Forager; to be closed."""
    return forager.Forager(forager.open_transport(settings, limiter), settings)


def open_kaspr(settings: KasprSettings, limiter: Limiter) -> kaspr.Kaspr:
    """Kaspr; to be closed."""
    return kaspr.Kaspr(kaspr.open_transport(settings, limiter), settings)


def open_openprospect(settings: OpenProspectSettings, limiter: Limiter) -> openprospect.OpenProspect:
    """OpenProspect; to be closed."""
    return openprospect.OpenProspect(openprospect.open_transport(settings, limiter), settings)


def open_crm(name: str, settings: CrmSettings, limiter: Limiter, refresh_tokens: RefreshTokens | None) -> Crm:
    """One crm; what its refresh token is traded for is kept in ``refresh_tokens``, for every process."""
    grants = None
    if refresh_tokens is not None and settings.refresh_token is not None and renews(settings):
        grants = refresh_tokens.store(name, settings.client_id, settings.refresh_token)
    match settings:
        case HubSpotSettings():
            return hubspot.HubSpot.opened(name, settings, limiter, grants=grants)
        case SalesforceSettings():
            return salesforce.Salesforce.opened(name, settings, limiter, grants=grants)


def renews(settings: CrmSettings) -> bool:
    """Tells whether a crm signs in with a refresh token, which its vendor may replace at each use."""
    return settings.auth == "refresh_token" if isinstance(settings, SalesforceSettings) else settings.token is None
