"""Puts the world's rows into the portal: companies, contacts, and which works where."""

from typing import Any

from sandbox.hubspot.portal import Portal
from sandbox.hubspot.table import PERSON
from sandbox.people import Company, CrmRow, World


def fill(portal: Portal, world: World) -> dict[int, str]:
    """Fills the portal and maps row numbers of the world to record ids."""
    companies, contacts = portal.tables["companies"], portal.tables["contacts"]
    company_ids = {
        company.number: portal.create(companies, _company(company), PERSON).id
        for company in world.companies
        if company.in_crm
    }
    ids: dict[int, str] = {}
    for row in world.rows.get("hubspot", ()):
        values = _contact(row)
        if values.get("email") and contacts.by_unique("email", values["email"]):
            del values["email"]  # a portal holds no address twice, not even for a duplicate
        record = portal.create(contacts, values, PERSON)
        ids[row.number] = record.id
        if row.company:
            portal.link(("contacts", record.id), ("companies", company_ids[row.company.number]), None, PERSON)
    for index in portal.indexes.values():
        index.settle()
    return ids


def _company(company: Company) -> dict[str, Any]:
    """Makes a company. Every third lacks values that can be filled later; the domain identifies the company."""
    values: dict[str, Any] = {"name": company.name, "domain": company.domain, "website": company.website}
    if company.number % 3:
        values |= {
            "phone": company.phone,
            "address": company.street,
            "zip": company.postcode,
            "city": company.city,
            "country": company.country,
            "numberofemployees": company.employees,
            "founded_year": company.founded_year,
        }
    return values


def _contact(row: CrmRow) -> dict[str, Any]:
    values = {
        "firstname": row.first_name,
        "lastname": row.last_name,
        "email": row.email,
        "phone": row.phone,
        "mobilephone": row.mobile,
        "jobtitle": row.title,
        "hs_linkedin_url": row.linkedin_url,
        "company": row.company_name,
        "city": row.city,
        "country": row.country,
        "hs_email_optout": "true" if row.opted_out else None,
    }
    return {name: value for name, value in values.items() if value}
