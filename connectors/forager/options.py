"""Holds the options of Forager."""

from __future__ import annotations

from pydantic import PositiveInt, SecretStr

from connectors.limits import Window
from connectors.options import Options, Rates, Url


class ForagerOptions(Options):
    """Tells how Forager is reached."""

    api_key: SecretStr
    account_id: PositiveInt
    base_url: Url = "https://api-v2.forager.ai"
    rate: Rates = (Window(10, 1),)
    verify_person: bool = True  # whoever it found is proved before anything else is bought; the rules read it
