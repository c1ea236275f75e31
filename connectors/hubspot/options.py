"""Holds the options of a HubSpot portal."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import SecretStr

from connectors.limits import Window
from connectors.models import Provenance
from connectors.options import Duration, Options, Rates, Url

PROVENANCE = Provenance("refill_source", "refill_checked_at")


BURST = Window(190, 10)  # a private app's limit from Professional on (usage guidelines, read 2026-11-20)
DAILY = Window(250_000, 86_400)  # the smallest account's; the answers' headers tell the rest
RESERVE = 0.2  # share of the day left to the other apps of the account
SEARCH = Window(9, 2)  # 5/s per account, paced at 90 %: arrival jitter eats the rest
# HubSpot says that its search index follows a write "after a few moments". This must be longer than it ever lags: a
# window starts so much before the end of the last one, and the next one sees rows that were indexed late.
OVERLAP_S = 300


class HubSpotOptions(Options):
    """Configures one portal. Either ``token`` (private app or service key) or the three OAuth values are set."""

    index_lag: Duration = timedelta(seconds=10)
    """How long the search index may lag behind a write; so long after making a row, a delivery looks whether
    somebody else made it, too."""
    base_url: Url = "https://api.hubapi.com"
    """The API's address."""
    rate: Rates = (BURST, DAILY)
    """Calls per window, searches apart: a Starter account allows 100 in 10 s, the limit increase 250."""
    api_version: Literal["2026-09", "v3"] = "2026-09"
    """The generation of paths that is called."""
    external_id: str = "openprospect_id"
    """The unique property that holds OpenProspect's id."""
    token: SecretStr | None = None
    """A service key's or private app's token, in place of the three below."""
    client_id: SecretStr | None = None
    """The OAuth app's id."""
    client_secret: SecretStr | None = None
    """The OAuth app's secret."""
    refresh_token: SecretStr | None = None
    """The refresh token that OAuth gave for the portal."""
