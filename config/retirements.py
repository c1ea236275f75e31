"""Tells when vendors end sign-in flows and API versions: one dated table, for the start and for ``refill check``.

Looked up on 28 November 2026. A vendor that names a release or a month instead of a day is entered with its first day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from msgspec import Struct

LOOKED_UP = date(2026, 11, 28)


class Retirement(Struct, frozen=True):
    """Announces the end of one way in. ``said`` is the vendor's own word for ``ends``, ``instead`` the way out."""

    vendor: str
    what: str
    ends: date
    said: str
    instead: str
    source: str

    @property
    def sentence(self) -> str:
        """Says what ends when, and what to use instead."""
        return f"{self.vendor} ends {self.what} {self.said}. {self.instead}"


_POLICY = "Salesforce: API end-of-life policy and release notes"
_NEWER = 'Use api_version = "66.0" or a newer one'
_LEGACY = "HubSpot changelog: legacy APIs and apps, what goes unsupported and when"
_JWT = 'Use an External Client App with the JWT bearer flow: auth = "jwt", client_id, username, private_key_file'

PASSWORD = Retirement(
    vendor="Salesforce",
    what="sign-in by user name and password",
    ends=date(2027, 2, 20),
    said="on 20 February 2027 (SOAP login() with Summer '27)",
    instead=_JWT,
    source="Salesforce: retirement of the OAuth 2.0 username-password flow and of SOAP API login()",
)
HUBSPOT_KEY = Retirement(
    vendor="HubSpot",
    what="API keys",
    ends=date(2022, 11, 30),
    said="on 30 November 2022",
    instead="Use the token of a service key or of a private app",
    source="HubSpot: API keys sunset",
)
PRIVATE_APP = Retirement(
    vendor="HubSpot",
    what="tokens of legacy private apps (service keys stay)",
    ends=date(2027, 9, 1),
    said="in September 2027",
    instead="Use a service key or a project app",
    source=_LEGACY,
)

# (first, last) version -> its end
SALESFORCE_VERSIONS: tuple[tuple[int, int, Retirement], ...] = (
    (7, 30, Retirement("Salesforce", "API versions 7.0 to 30.0", date(2025, 6, 1), "with Summer '25", _NEWER, _POLICY)),
    (
        31,
        40,
        Retirement(
            vendor="Salesforce",
            what="API versions 31.0 to 40.0",
            ends=date(2028, 6, 1),
            said="with Summer '28 (they are unsupported from Summer '27 on)",
            instead=_NEWER,
            source=_POLICY,
        ),
    ),
)
HUBSPOT_VERSIONS: Mapping[str, Retirement] = MappingProxyType(
    {
        "v3": Retirement(
            vendor="HubSpot",
            what='API generation "v3", whose associations are v4,',
            ends=date(2027, 3, 30),
            said="on 30 March 2027 (v4) and in September 2027 (v3)",
            instead='Use api_version = "2026-09"',
            source=_LEGACY,
        ),
        "2026-09": Retirement(
            vendor="HubSpot",
            what='API version "2026-09"',
            ends=date(2028, 3, 1),
            said="about March 2028, 18 months after its release",
            instead="Use the newest version that Refill knows by then",
            source="HubSpot: date-based versions and their support",
        ),
    }
)


def of_salesforce_version(api_version: str) -> Retirement | None:
    """Returns the announced end of a Salesforce API version such as ``66.0``, ``None`` when there is none."""
    number = int(api_version.partition(".")[0])
    return next((end for low, high, end in SALESFORCE_VERSIONS if low <= number <= high), None)


def of_hubspot(api_version: str, *, private_app: bool) -> tuple[Retirement, ...]:
    """Returns the announced ends of HubSpot's API version and, of a portal entered by a private app, of its token."""
    flow = PRIVATE_APP if private_app else None
    return tuple(end for end in (flow, HUBSPOT_VERSIONS.get(api_version)) if end)
