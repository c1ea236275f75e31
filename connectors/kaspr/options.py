"""Holds the options of Kaspr."""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr

from connectors.limits import Window
from connectors.options import Options, Rates, Url

Dialect = Literal["reference", "v2"]


class KasprOptions(Options):
    """Tells how Kaspr is reached.

    ``reference`` is the vendor's printed reference, ``v2`` the API that its present users call, on another
    host. Of v2's personal addresses nothing is asked: callers disagree about their name, and a wrong one is answered
    with 500.
    """

    api_key: SecretStr
    """The account's API key."""
    base_url: Url = "https://developer.kaspr.io"
    """The API's address."""
    dialect: Dialect = "reference"
    """`reference` is the vendor's printed reference, `v2` what its present users call."""
    auth_scheme: Literal["bearer", "raw"] = "bearer"
    """How the key is sent: as `Bearer KEY`, or alone."""
    rate: Rates = (Window(60, 60), Window(500, 3600), Window(500, 86_400))
    """Calls per window, one or several."""
