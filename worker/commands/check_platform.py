"""Lists an installation's dependencies: hosts it calls, ways it signs in, versions it speaks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from config.crms import CrmSettings, SalesforceSettings
from config.settings import Settings
from connectors.alerts.options import PORTS

_FLOWS = {
    "jwt": "an External Client App and a certificate (JWT bearer)",
    "client_credentials": "client credentials",
    "refresh_token": "a refresh token",
}


def hosts(settings: Settings) -> tuple[str, ...]:
    """Returns every host that is called, each once: the list to open in a firewall."""
    return tuple(dict.fromkeys(_hosts(settings)))


def _hosts(settings: Settings) -> Iterator[str]:
    openprospect = settings.providers.openprospect
    for provider in (*settings.providers.paid.values(), *([openprospect] if openprospect else [])):
        yield _host(str(getattr(provider, "base_url", "")))
    for crm in settings.crm.values():
        yield _host(crm.base_url)
        if isinstance(crm, SalesforceSettings) and crm.login_base:
            yield _host(crm.login_base)
    if place := redis_place(settings):
        yield place
    alerts = settings.alerts
    for address in (alerts.slack_url, alerts.teams_url, alerts.webhook_url):
        if address is not None:
            yield _host(address.get_secret_value())
    if alerts.mail_to:
        yield _host(f"//{alerts.smtp}", PORTS[alerts.smtp_security])


def redis_place(settings: Settings) -> str:
    """Returns host and port of a Redis that is reached over the network, ``""`` for any other."""
    url = settings.redis.url.get_secret_value() if settings.redis.url else ""
    return "" if not url or url.startswith("unix:") else _host(url, 6379)


def sign_in(settings: CrmSettings) -> str:
    """Says how Refill signs in to a crm and which version of its API it speaks."""
    if isinstance(settings, SalesforceSettings):
        flow = _FLOWS[settings.auth]
    else:
        flow = "the token of a service key or private app" if settings.token else "an OAuth app's refresh token"
    return f"signs in by {flow}; API version {settings.api_version}"


def _host(url: str, port: int | None = None) -> str:
    parts = urlsplit(url)
    number = parts.port or port
    return f"{parts.hostname or ''}:{number}" if number else parts.hostname or ""
