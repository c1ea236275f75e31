"""Puts the world's rows into the org: companies as accounts, rows as contacts and leads."""

from typing import Any

from sandbox.people import Company, CrmRow, World
from sandbox.salesforce.ids import long_form
from sandbox.salesforce.schema import Value
from sandbox.salesforce.store import INTEGRATION_USER, PERSON, PERSON_USER, Store


def fill(store: Store, world: World) -> dict[int, str]:
    """Fills the org and maps row numbers of the world to record ids."""
    for user_id, name in ((INTEGRATION_USER, "Integration"), (PERSON_USER, "Pia Owner")):
        user: dict[str, Value] = {"Name": name, "LastName": name, "IsActive": True}
        store.keep("User", user_id, user)
    for number, name in enumerate(("Customer", "Partner")):
        told: dict[str, Value] = {"Name": name, "DeveloperName": name, "SobjectType": "Contact", "IsActive": True}
        store.keep("RecordType", long_form(f"0125g000000000{number}"), told)
    accounts = {
        company.number: store.create("Account", _account(company), PERSON).id
        for company in world.companies
        if company.in_crm
    }
    ids: dict[int, str] = {}
    for row in world.rows.get("salesforce", ()):
        if row.object == "lead":
            ids[row.number] = store.create("Lead", _lead(row), PERSON).id
        else:
            account_id = accounts.get(row.company.number) if row.company else None
            ids[row.number] = store.create("Contact", _contact(row, account_id), PERSON).id
    return ids


def _account(company: Company) -> dict[str, Any]:
    """Makes an account. Every third lacks values that can be filled later; the website identifies the company."""
    values: dict[str, Any] = {"Name": company.name, "Website": company.website}
    if company.number % 3:
        values |= {
            "Phone": company.phone,
            "NumberOfEmployees": company.employees,
            "BillingStreet": company.street,
            "BillingPostalCode": company.postcode,
            "BillingCity": company.city,
            "BillingCountry": company.country,
        }
    return values


def _person(row: CrmRow) -> dict[str, Any]:
    """Makes a person. A row cannot be without a last name; people type a placeholder."""
    return {
        "FirstName": row.first_name,
        "LastName": row.last_name or "[not provided]",
        "Email": row.email,
        "Phone": row.phone,
        "MobilePhone": row.mobile,
        "Title": row.title,
        "LinkedIn_URL__c": row.linkedin_url,
        "HasOptedOutOfEmail": row.opted_out,
        "DoNotCall": row.do_not_call,
    }


def _contact(row: CrmRow, account_id: str | None) -> dict[str, Any]:
    return _person(row) | {"AccountId": account_id, "MailingCity": row.city, "MailingCountry": row.country}


def _lead(row: CrmRow) -> dict[str, Any]:
    """Makes a lead. It cannot be without a company; people type a placeholder."""
    return _person(row) | {
        "Company": row.company_name or "[not provided]",
        "Website": row.company.website if row.company else None,
        "City": row.city,
        "Country": row.country,
    }
