"""A country is known by its codes and by its names in the languages people type them in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values import countries

KNOWN = {
    "DE": "Germany|DEUTSCHLAND|de|DEU|Allemagne|Alemania|Berlin, Germany|Germany (DE)|DE - Germany|🇩🇪|Германия",
    "GB": "UK|England|Scotland|Northern Ireland|United Kingdom|Royaume-Uni|Großbritannien",
    "US": "USA|U.S.A.|us|United States of America|États-Unis|Vereinigte Staaten|San Francisco, CA, USA",
    "RU": "Russian Federation|Russia|Россия|Russland",
    "KR": "Korea, Republic of|Republic of Korea|South Korea|대한민국|Corea del Sur",
    "KP": "Korea, Democratic People's Republic of|North Korea",
    "XK": "Kosovo|Kosova|Republic of Kosovo",
    "VE": "Venezuela, Bolivarian Republic of|Venezuela",
    "HK": "Hong Kong SAR|Hong Kong SAR China|Hong Kong, China|香港",
    "CD": "Congo, the Democratic Republic of the|DR Congo|Congo - Kinshasa",
    "CG": "Congo|Republic of the Congo",
    "MK": "Macedonia, the former Yugoslav Republic of|North Macedonia",
    "MD": "Moldova, Republic of|Moldova",
    "CI": "Côte d’Ivoire|Cote d'Ivoire|Ivory Coast",
    "CZ": "Czechia|Czech Republic|Česko|Tschechien",
    "TR": "Türkiye|Turkey",
    "NL": "Netherlands (the)|The Netherlands|Holland",
    "JP": "日本|Japan",
    "BR": "Brasil|Brazil",
    "GN": "Guinea",
    "GQ": "Equatorial Guinea",
    "NA": "NA|Namibia",
    "SS": "South Sudan|Dél-Szudán|De Swdan",
    "TO": "Tonga|टोंगा",
    "": "Atlantis|n/a|Unknown|Wilmington, DE|San Francisco, CA|Atlanta, Georgia|New Jersey|Europe|0|-",
}


@pytest.mark.parametrize(
    ("name", "region"), [(name, code) for code, names in KNOWN.items() for name in names.split("|")]
)
def test_a_country_is_known_by_name_and_code(name: str, region: str) -> None:
    assert countries.region(name) == region


@given(st.text(max_size=120))
def test_any_text_is_a_region_or_none(text: str) -> None:
    assert len(countries.region(text)) in {0, 2}
