"""Reads which region (ISO 3166 alpha-2) a country's name or code means."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from worker.decide.values.text import plain
from worker.decide.values.words import listed, words

_ALSO = """
    GB=UK|U.K.|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Großbritannien|Grossbritannien|Schottland
    GB=Grande-Bretagne|Gran Bretaña|Gran Bretagna|Grã-Bretanha|Inglaterra|Angleterre|Engeland|Écosse|Escocia|UK & NI
    GB=United Kingdom of Great Britain and Northern Ireland|Great Britain and Northern Ireland|United Kingdom UK
    US=U.S.|U.S.A.|United States of America USA|United States US|America|Amerika|États-Unis d'Amérique|EE.UU.|EUA|EEUU
    US=Vereinigte Staaten von Amerika|Estados Unidos de América|Stati Uniti d'America|Соединенные Штаты Америки|США
    NL=Holland|Hollande|Holanda|Olanda|The Netherlands|Netherlands, Kingdom of the|Netherlands (the)|Die Niederlande
    DE=Federal Republic of Germany|Bundesrepublik Deutschland|BRD|Republic of Germany
    CH=Swiss|Swiss Confederation|Svizra|Schweizerische Eidgenossenschaft
    CZ=Czech Republic|Czech|Tschechische Republik|République tchèque|República Checa|Repubblica Ceca|Česká republika
    SK=Slovak Republic|Slovenská republika|Slowakische Republik
    TR=Turkey|Turkiye|Republic of Turkey|Republic of Türkiye
    KR=Republic of Korea|ROK|Korea|Korea South|Korea (South)|S. Korea|한국|韩国|韓国|대한민국|Республика Корея|Corée
    KP=DPRK|Korea North|N. Korea|Korea (North)
    HK=Hong Kong|Hong Kong SAR|Hong Kong S.A.R.|Hong Kong, China|Hong Kong SAR, China|HKSAR|Hongkong|香港
    MO=Macao|Macau|Macao SAR|Macau SAR|Macau, China|Macao, China|澳门|澳門
    TW=Taiwan|Taiwan, Province of China|Taiwan, China|Chinese Taipei|Taiwan, Republic of China|ROC|台灣|臺灣|台湾
    CN=PRC|P.R. China|P.R.C.|Mainland China|People's Republic of China|China, People's Republic of|China PRC|中国
    MM=Burma|Myanmar|Myanmar (Burma)|Birma|Birmanie
    CI=Ivory Coast|Cote d'Ivoire|Elfenbeinküste
    CD=DRC|DR Congo|D.R. Congo|RDC|Congo-Kinshasa|Congo DRC|Congo (Kinshasa)|Zaire|Congo, The Democratic Republic of the
    CG=Congo|Republic of the Congo|Congo-Brazzaville|Congo (Brazzaville)|Congo Republic|Congo, Republic of
    MK=Macedonia|FYROM|Macedonia, the former Yugoslav Republic of|Former Yugoslav Republic of Macedonia|Mazedonien
    BY=Weißrussland|Weissrussland|Byelorussia|Białoruś|Belarus, Republic of
    MD=Moldova, Republic of|Republic of Moldova|Moldawien|Moldavia
    SZ=Swaziland|Eswatini|Swasiland
    CV=Cape Verde|Cabo Verde|Kapverden
    TL=East Timor|Timor Leste|Osttimor
    VA=Vatican|Vatican City|Holy See|Vatikan
    PS=Palestine|Palestinian Territory|Palestinian Territories|Palestine, State of|State of Palestine|West Bank|Gaza
    LA=Laos|Lao PDR|Lao P.D.R.
    VN=Viet Nam|Vietnam
    AE=UAE|U.A.E.|Emirates|Emirate|Dubai|Abu Dhabi|VAE|EAU
    SA=KSA|Kingdom of Saudi Arabia|Saudi
    ZA=RSA|Republic of South Africa|South-Africa
    BA=Bosnia|Bosnia & Herzegovina|BiH|Bosnien
    TT=Trinidad|Trinidad & Tobago
    AG=Antigua
    KN=St. Kitts and Nevis|St Kitts
    VC=St. Vincent and the Grenadines|St Vincent
    LC=St. Lucia
    XK=Republic of Kosovo
    FM=Micronesia|Federated States of Micronesia
    VI=US Virgin Islands|U.S. Virgin Islands|Virgin Islands
    GR=Hellas|Hellenic Republic|EL
    CY=Republic of Cyprus
    IE=Republic of Ireland|Eire|Ireland, Republic of
    RU=Russia|Russian Fed.|РФ|Россия|USSR
    PH=Philippines|The Philippines|Phillipines|PI
    BN=Brunei
    SY=Syria
    IR=Iran
    VE=Venezuela
    BO=Bolivia
    TZ=Tanzania
    LY=Libya
    CU=Cuba
    RE=Reunion
    BS=The Bahamas
    GM=The Gambia
    TH=ประเทศไทย
    IN=Bharat|Hindustan
    ID=Republic of Indonesia
    SG=Republic of Singapore
"""
_FILLERS = words("the of and und et y e of & la le les el los der die das d l de du da do dos di del van")
_STATES = words(
    """
    al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa
    ri sc sd tn tx ut vt va wa wv wi wy dc pr ab bc mb nb nl ns nt nu on pe qc sk yt nsw vic qld tas act
    """
)  # after a comma these are a part of the US, Canada or Australia at least as often as a country
_WORD = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"\s*[,/|;()\[\]]\s*|\s+[-–—]\s+")
_FLAG = dict(zip(range(0x1F1E6, 0x1F200), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=True))
_LONGEST = 100


def _key(text: str) -> str:
    """Returns the spelling names are compared in: no accents, no small words, in any order.

    ``Korea, Republic of``.
    """
    folded = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", "").replace(".", ""))
    found = _WORD.findall("".join(sign for sign in folded if not unicodedata.combining(sign)))
    return " ".join(sorted(word for word in found if word not in _FILLERS) or found)


@cache
def _names() -> list[tuple[str, str]]:
    """Returns every known name with its region; our own words come first, then the codes, then the list's order."""
    rows = [row.strip().partition("=") for row in (*_ALSO.strip().splitlines(), *listed("countries"))]
    return [(name, region) for region, _, names in rows for name in names.split("|")]


@cache
def _usual() -> dict[str, str]:
    """Returns the regions by their names as these are listed. Most records need no other spelling of them."""
    return {name.casefold(): region for name, region in reversed(_names())}


@cache
def _regions() -> dict[str, str]:
    return {_key(name): region for name, region in reversed(_names())}


@cache
def _codes() -> frozenset[str]:
    return frozenset(line.partition("=")[0] for line in listed("countries"))


@lru_cache(maxsize=2048)
def region(country: str) -> str:
    """Returns ``"DE"`` for ``"Deutschland"``, ``"germany"`` and ``"de"``; ``""`` if it is not a known country.

    Of a place such as ``"Berlin, Germany"`` the last part counts. ``"Wilmington, DE"`` does not mean Germany.
    """
    if len(country) > _LONGEST:
        return ""
    shown = plain(country).translate(_FLAG)
    if found := _named(shown):
        return found
    parts = [part for part in _PARTS.split(shown) if part]
    for part in reversed(parts if len(parts) > 1 else []):
        if "," in shown and (part.casefold() in _STATES or part.casefold() == "georgia"):
            return ""
        if found := _named(part):
            return found
    return ""


def _named(text: str) -> str:
    code = text.strip(" .").upper()
    if code in _codes():
        return code
    return _usual().get(text.casefold()) or (_regions().get(_key(text), "") if text else "")
