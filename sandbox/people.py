"""Defines the world: the people, and each provider's and CRM's data. Phones are E.164, absent is None."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Company:
    number: int
    """From 1; also Forager's organization id."""
    name: str
    domain: str
    website: str
    slug: str
    """After linkedin.com/company/."""
    phone: str
    industry: str
    employees: int
    city: str
    country: str
    country_code: str
    street: str
    postcode: str
    founded_year: int
    description: str
    technologies: tuple[str, ...]
    in_crm: bool
    """False: only OpenProspect delivers it."""

    @property
    def linkedin_url(self) -> str:
        return f"https://www.linkedin.com/company/{self.slug}"


@dataclass(frozen=True, slots=True)
class ForagerKnows:
    detail: bool
    """Whether person detail, role search and reverse lookups find the person."""
    work_emails: tuple[tuple[str, str], ...]
    """(address, validation_status)."""
    personal_emails: tuple[tuple[str, str], ...]
    phones: tuple[str, ...]
    junk_title: str = ""
    """Told instead of the title."""


@dataclass(frozen=True, slots=True)
class KasprKnows:
    known: bool
    work_email: str | None
    work_email_valid: bool | None
    direct_email: str | None
    phone: str | None
    """As Kaspr writes it, with spaces."""
    masked: bool = False
    """The starry values come with `*`."""
    junk_title: str = ""
    """Told instead of the title."""


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    """From 1; also Forager's person id."""
    first_name: str
    last_name: str
    slug: str
    """Canonical: percent-decoded, NFC, lower case."""
    employer: Company
    """Where the person works now."""
    title: str
    work_email: str
    personal_email: str
    mobile: str
    phone: str
    city: str
    country: str
    country_code: str
    opted_out: bool
    do_not_call: bool
    former_employer: Company | None
    """Set if the person moved and the CRMs have not noticed."""
    forager: ForagerKnows
    kaspr: KasprKnows
    own_script: tuple[str, str] | None = None
    """First and last name as the person writes them, if that is not in Latin letters."""
    aliases: tuple[str, ...] = ()
    """Addresses and numbers that are not this person's alone and yet lead a provider here."""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def linkedin_url(self) -> str:
        return f"https://www.linkedin.com/in/{self.slug}"


@dataclass(frozen=True, slots=True)
class CrmRow:
    """Holds one contact or lead as a CRM has it. None: the field is blank."""

    number: int
    """From 1 within the CRM."""
    object: str
    """`contact` or `lead` (Salesforce only)."""
    person: Person
    """The person the row is about."""
    company: Company | None
    """The CRM company or account the row is linked to, None: not linked."""
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    mobile: str | None
    title: str | None
    linkedin_url: str | None
    """In any form a person would paste it."""
    company_name: str | None
    city: str | None
    country: str | None
    opted_out: bool
    do_not_call: bool
    traits: frozenset[str] = field(default_factory=frozenset)
    """Why the row is interesting: `typed`, `wrong_linkedin`, `nonsense_linkedin`, `moved`, `duplicate`,
    `no_linkedin`, `name_only`, `phone_only`, `opted_out`, `do_not_call`; where mistakes are drawn also
    `namesake_linkedin`, `placeholder`, `shared_phone`, `role_address`, `wrong_address`, `first_name_only`,
    `own_script`, `short_name`."""
    mistaken_for: int = 0
    """Number of the person whose profile, address or number the row carries by mistake."""


@dataclass(frozen=True)
class World:
    companies: tuple[Company, ...]
    """Those of the CRMs first (`in_crm`), then those only OpenProspect knows."""
    people: tuple[Person, ...]
    """Those of the CRMs first, then those only the providers know."""
    rows: Mapping[str, tuple[CrmRow, ...]]
    """By CRM: `hubspot`, `salesforce`; each has `records` rows."""

    @cached_property
    def by_slug(self) -> dict[str, Person]:
        return {person.slug: person for person in self.people}

    @cached_property
    def by_number(self) -> dict[int, Person]:
        return {person.number: person for person in self.people}

    @cached_property
    def by_email(self) -> dict[str, Person]:
        """Finds a provider's person by an address, lower case."""
        own = {email: person for person in self.people for email in (person.personal_email, person.work_email)}
        return {alias: person for person in self.people for alias in person.aliases if "@" in alias} | own

    @cached_property
    def by_phone(self) -> dict[str, Person]:
        """Finds a provider's person by a number; of a household the one who came last."""
        own = {phone: person for person in self.people for phone in (person.phone, person.mobile)}
        return {alias: person for person in self.people for alias in person.aliases if "@" not in alias} | own

    @cached_property
    def confused(self) -> frozenset[int]:
        """Numbers of people whose profile, address or number is on somebody else's row."""
        return frozenset(row.mistaken_for for rows in self.rows.values() for row in rows if row.mistaken_for)

    @cached_property
    def company_by_domain(self) -> dict[str, Company]:
        return {company.domain: company for company in self.companies}

    @cached_property
    def company_by_slug(self) -> dict[str, Company]:
        return {company.slug: company for company in self.companies}

    @cached_property
    def staff(self) -> dict[int, list[Person]]:
        """Maps the number of an employer to its people."""
        staff: dict[int, list[Person]] = {company.number: [] for company in self.companies}
        for person in self.people:
            staff[person.employer.number].append(person)
        return staff
