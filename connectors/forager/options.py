"""Holds the options of Forager."""

from __future__ import annotations

from pydantic import PositiveInt, SecretStr

from connectors.limits import Window
from connectors.options import Options, Rates, Url


class ForagerOptions(Options):
    """Tells how Forager is reached."""

    api_key: SecretStr
    """The account's API key."""
    account_id: PositiveInt
    """The number of the account, as its address shows it."""
    base_url: Url = "https://api-v2.forager.ai"
    """The API's address."""
    rate: Rates = (Window(10, 1),)
    """Calls per window, one or several."""
    verify_person: bool = True  # the person found is proved before anything else is bought; the rules read it
    """Spends 1 credit to make sure whom a profile belongs to before anything more expensive is bought."""
