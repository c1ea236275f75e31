"""Finds out which columns of a table of people hold what, and shows its rows to the rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from msgspec import Struct

from connectors.models import Record
from worker.decide.values.person import PersonName, parts

FULL_NAME = "full_name"
OBJECT = "contact"
_FIRST, _LAST = "full_name.first", "full_name.last"  # no column has such a place

# Field -> headers of well-known exports and address books, without case, accents and punctuation.
_KNOWN: Mapping[str, str] = {
    "work_email": "email, e mail, mail, work email, email address, e mail address, business email, company email, "
    "primary email, e mail adresse, email 1 value, adresse e mail, correo electronico, courriel",
    "personal_email": "personal email, private email, home email, e mail privat, e mail 2 address, email 2 value",
    "phone": "phone, telephone, phone number, telephone number, work phone, business phone, company phone, office "
    "phone, direct phone, telefon, telefonnummer, tel, telefono, numero de telephone, phone 1 value",
    "mobile_phone": "mobile, mobile phone, mobile number, mobile phone number, cell, cell phone, handy, handynummer, "
    "mobil, mobiltelefon, portable, movil",
    "job_title": "job title, title, position, jobtitle, job, role, job position, funktion, organization title, "
    "organization 1 title, poste, cargo, berufsbezeichnung",
    "linkedin_url": "linkedin, linkedin url, linkedin profile, linkedin profile url, person linkedin url, url, "
    "profile url, public profile url, linkedin bio, hs linkedin url, linkedin contact profile url",
    "first_name": "first name, firstname, given name, forename, vorname, prenom, nombre",
    "last_name": "last name, lastname, surname, family name, nachname, nom, nom de famille, apellidos",
    FULL_NAME: "name, full name, fullname, contact name, person, contact, lead name",
    "company_name": "company, company name, organization, organisation, account, account name, employer, firma, "
    "unternehmen, associated company, entreprise, societe, empresa, organization name, organization 1 name",
    "company_domain": "domain, company domain, company domain name, website, company website, web, homepage, "
    "company url, webseite, site web, web page",
    "city": "city, town, ort, stadt, ville, ciudad, mailing city, business city",
    "country": "country, country region, land, pays, pais, mailing country, business country region",
}
_FIELD_OF = {header.strip(): name for name, headers in _KNOWN.items() for header in headers.split(",")}
FIELDS = tuple(_KNOWN)


class ColumnError(ValueError):
    """Says which column is not there or named twice; one sentence."""


class Columns(Struct, frozen=True):
    """Maps fields to columns: ``places`` by canonical name, the first column 0."""

    places: Mapping[str, int] = {}

    @property
    def identifies(self) -> bool:
        """Tells whether a row can identify a person."""
        named = FULL_NAME in self.places or "last_name" in self.places
        at_work = "company_domain" in self.places or "company_name" in self.places
        return bool(self.places.keys() & {"linkedin_url", "work_email", "personal_email"}) or (named and at_work)

    def with_fields(self, fields: Sequence[str], width: int) -> Columns:
        """Returns the columns with a new one behind the last for each of ``fields`` that has none."""
        new = [name for name in fields if name not in self.places]
        return Columns({**self.places, **{name: width + at for at, name in enumerate(new)}})

    @property
    def identity(self) -> dict[str, str]:
        """Returns the properties that identify a person, as a policy names them."""
        slots = {name: str(at) for name, at in self.places.items() if name not in {FULL_NAME, "job_title", "city"}}
        if FULL_NAME in self.places and "last_name" not in self.places:
            slots |= {"first_name": _FIRST, "last_name": _LAST}
        return slots

    def record(self, id: str, cells: Sequence[str]) -> Record:
        """Shows a row as a record, whose properties are its column numbers."""
        values: dict[str, str | None] = {str(at): cell.strip() for at, cell in enumerate(cells)}
        if FULL_NAME in self.places and "last_name" not in self.places:
            first, last = parts(PersonName("", "", values.get(str(self.places[FULL_NAME])) or ""))
            values |= {_FIRST: first, _LAST: last}
        return Record(OBJECT, id, values)


def plain_header(header: str) -> str:
    """Returns a header without case, accents and punctuation: ``E-Mail_Adresse`` is ``e mail adresse``."""
    text = unicodedata.normalize("NFKD", header).casefold()
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", text))


def found(header: Sequence[str], named: Mapping[str, str]) -> Columns:
    """Returns the columns that are ``named`` (field -> header or number from 1), and those with well-known headers.

    Raises:
        ColumnError: one that was named is not there.
    """
    places: dict[str, int] = {}
    plain = [plain_header(one) for one in header]
    for name, wanted in named.items():
        if wanted.isdecimal() and 1 <= int(wanted) <= len(header):
            places[name] = int(wanted) - 1
        elif wanted in header:
            places[name] = list(header).index(wanted)
        elif plain_header(wanted) in plain:
            places[name] = plain.index(plain_header(wanted))
        else:
            raise ColumnError(f"there is no column {wanted}: the columns are {', '.join(header)}")
    taken = set(places.values())
    for at, text in enumerate(plain):
        known = _FIELD_OF.get(text)
        if known and known not in places and at not in taken:
            places[known] = at
    return Columns(places)
