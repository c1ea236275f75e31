"""Defines the bodies OpenProspect takes and answers with.

Results, deliveries and lists share one company and one prospect.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from connectors.bodies import Body, Count, Flag, Number, Part, Rows, Text, Texts

TERMINAL = frozenset({"COMPLETED", "CANCELLED", "REJECTED", "FAILED"})


def _id(value: Any) -> Any:
    """Reads ids, which are text or numbers, depending on the generation of the vendor's documents."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_id), Field(min_length=1)]


class Prospect(Body):
    id: Id
    company_id: Text = ""
    prospect_search_id: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    full_name: Text = ""
    job_title: Text = ""
    seniority: Text = ""
    department: Text = ""
    email: Text = ""
    email_status: Text = ""
    phone: Text = ""
    mobile_phone: Text = ""
    linkedin_url: Text = ""
    city: Text = ""
    country: Text = ""
    updated_at: Text = ""


class Technology(Body):
    name: Text = ""
    category: Text = ""
    first_seen: Text = ""
    last_seen: Text = ""


class Legal(Body):
    registration_number: Text = ""
    register_court: Text = ""
    legal_form: Text = ""


def _prospects(value: Any) -> Any:
    """Leaves out a row without an id, which could not be recognised again."""
    rows = value if isinstance(value, list | tuple) else []
    return [row for row in rows if isinstance(row, Prospect) or (isinstance(row, dict) and row.get("id"))]


class CompanyBody(Body):
    id: Id
    prospect_search_id: Text = ""
    source_id: Text = ""
    name: Text = ""
    website: Text = ""
    domain: Text = ""
    city: Text = ""
    country: Text = ""
    business_type: Text = ""
    description: Text = ""
    employee_count: Count = 0
    founded_year: Count = 0
    phone: Text = ""
    linkedin_url: Text = ""
    match_score: Number = None
    review_status: Text = ""
    delivered_at: Text = ""
    updated_at: Text = ""
    prospects: Annotated[tuple[Prospect, ...], BeforeValidator(_prospects)] = Field(
        default=(), validation_alias=AliasChoices("prospects", "contacts")
    )
    technologies: Rows[Technology] = ()
    legal: Part[Legal] = Legal()


class Order(Body):
    order_id: Id = Field(validation_alias=AliasChoices("order_id", "id"))
    order_type: Text = ""
    status: Text = ""
    title: Text = ""
    company_count: Count = 0
    estimated_cost: Number = None
    message: Text = ""
    prospect_search_id: Text = ""
    delivery_id: Text = ""
    created_at: Text = ""
    updated_at: Text = ""
    completed_at: Text = ""

    @property
    def ended(self) -> bool:
        """Tells whether its status will not change any more; an unknown status may."""
        return self.status in TERMINAL


class Search(Body):
    id: Id
    name: Text = ""
    status: Text = ""
    version: Count = 0
    ideal_customer_profile: Text = ""
    geo_locations: Texts = ()
    search_keywords: Texts = ()
    updated_at: Text = ""
    stripped_fields: Texts = ()


class Blacklist(Body):
    id: Id
    name: Text = ""
    description: Text = ""
    entry_count: Count = 0
    created_at: Text = ""
    updated_at: Text = ""


class BlacklistEntry(Body):
    id: Id
    external_id: Text = ""
    website_url: Text = ""
    company_name: Text = ""
    city: Text = ""
    created_at: Text = ""


class AddedEntries(Body):
    added: Count = 0
    skipped: Count = 0
    total: Count = 0


class JobBody(Body):
    id: Id
    title: Text = ""
    url: Text = ""
    location: Text = ""
    posted_at: Text = ""
    is_active: Flag = False


class Webtech(Body):
    company_id: Text = ""
    technologies: Rows[Technology] = ()
    scanned_at: Text = ""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    def body(self) -> dict[str, Any]:
        """Returns the fields that are set, as they go on the wire."""
        return self.model_dump(mode="json", exclude_none=True)


class WantedCompany(_Sent):
    """Names a company of an enrichment order; ``external_id`` comes back as ``source_id``."""

    company_name: str
    external_id: str
    website_url: str | None = None
    city: str | None = None
    country: str | None = None


class NewOrder(_Sent):
    """Holds an order, which a person at the vendor accepts and then charges.

    ``title`` carries our reference, so that a lost answer can be looked up. ``profile_id`` and ``briefing_quantity``
    are those that the vendor's newest documents require instead.
    """

    order_type: Literal["ENRICHMENT", "DISCOVERY"]
    title: str
    profile_name: str | None = None
    features: tuple[Literal["COMPANY_DATA", "CONTACTS", "TECHNOLOGIES"], ...] | None = None
    companies: tuple[WantedCompany, ...] | None = Field(default=None, min_length=1, max_length=10_000)
    ideal_customer_profile: str | None = None
    blacklist_ids: tuple[str, ...] | None = None
    profile_id: str | None = None
    briefing_quantity: int | None = None


class NewEntry(_Sent):
    """Names a company to keep out; matched by external id, then domain, then name and city, then name."""

    external_id: str | None = None
    website_url: str | None = None
    company_name: str | None = None
    city: str | None = None


class SearchEdit(_Sent):
    """Holds new values for a search; ``version`` is the one they were decided on."""

    version: int
    name: str | None = None
    ideal_customer_profile: str | None = None
    geo_locations: tuple[str, ...] | None = None
    search_keywords: tuple[str, ...] | None = None
