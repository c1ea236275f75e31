"""Holds the options of OpenProspect."""

from __future__ import annotations

from pydantic import SecretStr

from connectors.limits import Window
from connectors.options import Options, Rates, Url


class OpenProspectOptions(Options):
    """Tells how OpenProspect is reached. The free plan allows 100 calls an hour, the next one 1000."""

    api_key: SecretStr
    """The account's API key."""
    base_url: Url = "https://api.openprospect.io/api/v1"
    """The API's address."""
    rate: Rates = (Window(100, 3600),)
    """Calls per window; the free plan allows 100 an hour, the next one 1000."""
