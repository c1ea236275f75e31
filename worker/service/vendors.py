"""Builds every configured vendor's connector, on the given limiter: the one place that builds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from config.crms import CrmSettings, HubSpotSettings, SalesforceSettings
from config.settings import Settings
from connectors.limits import Limiter
from connectors.ports import Crm, Provider
from connectors.registry import PAID
from worker.service.refresh_tokens import RefreshTokens

LimiterOf: TypeAlias = Callable[[str], Limiter]


def open_providers(settings: Settings, limiter_of: LimiterOf) -> dict[str, Provider]:
    """Returns the paid providers by name; each is to be closed."""
    return {name: PAID[name].open(one, limiter_of(name)) for name, one in settings.providers.paid.items()}


def open_crm(name: str, settings: CrmSettings, limiter: Limiter, refresh_tokens: RefreshTokens | None) -> Crm:
    """Returns one crm; what its refresh token is traded for is kept in ``refresh_tokens``, for every process."""
    grants = None
    if refresh_tokens is not None and settings.refresh_token is not None and renews(settings):
        grants = refresh_tokens.store(name, settings.client_id, settings.refresh_token)
    # Only configured vendors are imported: Salesforce's library alone takes a third of a second of CPU.
    match settings:
        case HubSpotSettings():
            from connectors.hubspot import client as hubspot

            return hubspot.HubSpot.opened(name, settings, limiter, grants=grants)
        case SalesforceSettings():
            from connectors.salesforce import client as salesforce

            return salesforce.Salesforce.opened(name, settings, limiter, grants=grants)


def renews(settings: CrmSettings) -> bool:
    """Tells whether a crm signs in with a refresh token, which its vendor may replace at each use."""
    return settings.auth == "refresh_token" if isinstance(settings, SalesforceSettings) else settings.token is None
