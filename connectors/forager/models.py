"""Defines Forager's bodies; unused members are left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from connectors.bodies import Body, Count, Flag, Many, Number, Page, Part, Rows, Text, finite


def _credits(value: object) -> Decimal | None:
    """Reads credits, which come as numbers or decimal text, such as ``50.00``."""
    return None if finite(value) is None else Decimal(str(value).strip())


Credits = Annotated[Decimal | None, BeforeValidator(_credits)]


class ForagerEmail(Body):
    email: Text = ""
    email_type: Text = ""
    validation_status: Text = ""


class ForagerPhone(Body):
    phone_number: Text = ""


class Named(Body):
    id: Count = 0
    name: Text = ""


class OsmLocation(Named):
    place_type: Text = ""


class ForagerLocation(Named):
    osm_locations: Rows[OsmLocation] = ()


def _location(value: object) -> object:
    """Accepts a location as plain text, as one recipe of the vendor shows it."""
    if isinstance(value, str):
        return {"name": value}
    return value if isinstance(value, dict | ForagerLocation) else {}


Place = Annotated[ForagerLocation, BeforeValidator(_location)]


class LinkedinInfo(Body):
    public_identifier: Text = ""
    public_profile_url: Text = ""
    industry: Part[Named] = Named()


class PostalAddress(Body):
    city: Text = ""
    state: Text = ""
    country: Text = ""
    summary: Text = ""


class ForagerOrganization(Body):
    id: Count = 0
    name: Text = ""
    legal_name: Text = ""
    website: Text = ""
    domain: Text = ""
    domain_rank: Number = None
    description: Text = ""
    founded_date: Text = ""
    employees_range: Text = ""
    employees_amount: Count = 0
    keywords: Rows[Named] = ()
    location: Place = ForagerLocation()
    linkedin_info: Part[LinkedinInfo] = LinkedinInfo()
    addresses: Rows[PostalAddress] = ()
    date_updated: Text = ""


class ForagerRole(Body):
    id: Count = 0
    role_title: Text = ""
    is_current: Flag = False
    start_date: Text = ""
    end_date: Text = ""
    organization: Part[ForagerOrganization] = ForagerOrganization()


class ForagerPerson(Body):
    id: Count = 0
    full_name: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    headline: Text = ""
    description: Text = ""
    skills: Rows[Named] = ()
    location: Place = ForagerLocation()
    linkedin_info: Part[LinkedinInfo] = LinkedinInfo()
    roles: Rows[ForagerRole] = ()
    languages: Rows[Named] = ()


class FoundRole(ForagerRole):
    """Holds a row of the role search: one employment with its person."""

    person: Part[ForagerPerson] = ForagerPerson()


class ForagerJob(Body):
    id: Count = 0
    source: Text = ""
    date_featured: Text = ""
    organization: Part[ForagerOrganization] = ForagerOrganization()
    url: Text = ""
    title: Text = ""
    description: Text = ""
    is_remote: Flag = False
    is_active: Flag = False
    location: Place = ForagerLocation()


class RolePage(Body):
    search_results: Page[FoundRole]
    total_search_results: Count = 0


class OrganizationPage(Body):
    search_results: Page[ForagerOrganization]
    total_search_results: Count = 0


class JobPage(Body):
    search_results: Page[ForagerJob]
    total_search_results: Count = 0


class SearchTotals(Body):
    """Holds estimates: they can disagree with the search itself."""

    total_search_results: Number = None
    total_persons: Number = None
    total_organizations: Number = None


class WebTechnology(Body):
    web_technology_id: Count = 0
    name: Text = ""
    is_active: Flag = False


class Website(Body):
    id: Count = 0
    domain: Text
    tranco_rank: Number = None
    similarweb_rank: Number = None
    similarweb_traffic: Number = None
    website_technologies: Rows[WebTechnology] = ()


class CreditChange(Body):
    id: Count = 0
    date_created: Text = ""
    change_type: str
    change_sum: Credits


class CreditPage(Body):
    count: Count = 0
    next: int | None = None
    results: Many[CreditChange]


class CreditTotals(Body):
    total_credits_spent: Credits


class ApiKey(Body):
    prefix: str
    created: Text = ""
    name: Text = ""


class NewApiKey(ApiKey):
    """Holds a new key. ``secret`` is shown once by the vendor; that its field is called ``key`` is assumed."""

    secret: Text = Field(default="", alias="key", repr=False)


class Subscription(Body):
    is_active: Flag = False
    credits_balance: Credits = None
    subscription_tier: Part[dict[str, object]] = Field(default_factory=dict)


class Account(Body):
    id: int
    name: Text = ""
    subscription: Part[Subscription] = Subscription()


class User(Body):
    id: Count = 0
    username: Text = ""
    email: Text = Field(default="", repr=False)
    accounts: Many[Account]


class Suggestion(Body):
    id: int  # sent as text, wanted as a number by the filters
    text: Text = ""


class Pagination(Body):
    more: Flag = False


class SuggestionPage(Body):
    results: Many[Suggestion]
    pagination: Part[Pagination] = Pagination()
