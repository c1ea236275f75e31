"""Which region (ISO 3166 alpha-2) a country's name or code means."""

from __future__ import annotations

import unicodedata
from functools import cache

from worker.decide.values.country_names import NAMES

_ALPHA3 = {
    "USA": "US", "GBR": "GB", "DEU": "DE", "FRA": "FR", "ESP": "ES", "ITA": "IT", "NLD": "NL", "BEL": "BE", "CHE": "CH",
    "AUT": "AT", "POL": "PL", "SWE": "SE", "NOR": "NO", "DNK": "DK", "FIN": "FI", "PRT": "PT", "IRL": "IE", "CZE": "CZ",
    "TUR": "TR", "ARE": "AE", "IND": "IN", "JPN": "JP", "CHN": "CN", "BRA": "BR", "MEX": "MX", "CAN": "CA", "AUS": "AU",
    "NZL": "NZ", "ZAF": "ZA", "SGP": "SG", "ISR": "IL", "KOR": "KR", "ROU": "RO", "HUN": "HU", "GRC": "GR", "UKR": "UA",
}  # fmt: skip


def _folded(text: str) -> str:
    stripped = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in stripped if sign.isalnum())


@cache
def _regions() -> dict[str, str]:
    rows = [row.split("=", 1) for row in NAMES.splitlines()]
    table = {_folded(name): region for region, names in rows for name in names.split("|")}
    table |= {_folded(code): region for code, region in _ALPHA3.items()}
    return table | {_folded(region): region for region, _ in rows}


def region(country: str) -> str:
    """``"Deutschland"``, ``"germany"`` and ``"de"`` give ``"DE"``; ``""`` when it is no country we know.

    Of a place such as ``"Berlin, Germany"`` the last part counts.
    """
    return _regions().get(_folded(country)) or _regions().get(_folded(country.rpartition(",")[2])) or ""
