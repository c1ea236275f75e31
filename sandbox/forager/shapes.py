"""Shapes Forager's JSON from the world's people and companies."""

from typing import Any

from sandbox.countries import COUNTRIES, INDUSTRIES, TECHNOLOGIES
from sandbox.people import Company, Person, World

SUBSIDIARY = 100_000
"""Added to a company's number: a second organization on the same domain."""
FORMER, SIDE = 100_000, 200_000
"""Added to a person's number for the roles besides the current one, which has 1,000,000."""
CURRENT = 1_000_000
UPDATED = "2026-10-01T08:00:00Z"

_INDUSTRY_IDS = {name: number for number, name in INDUSTRIES}
LOCATIONS: dict[tuple[str, str], int] = {
    (city, country.name): number
    for number, (country, city) in enumerate(
        ((country, city) for country in COUNTRIES for city in country.cities), start=7000
    )
}
TECHNOLOGY_IDS = {name: number for number, name, _ in TECHNOLOGIES}


def location(city: str, country: str) -> dict[str, Any]:
    number = LOCATIONS[city, country]
    return {
        "id": number,
        "name": f"{city}, {country}",
        "osm_locations": [
            {"id": number * 10, "name": f"{city}, {country}", "place_type": "city"},
            {"id": number * 10 + 1, "name": country, "place_type": "country"},
        ],
    }


def industry(company: Company) -> dict[str, Any]:
    return {"id": _INDUSTRY_IDS[company.industry], "name": company.industry}


def organization_short(company: Company) -> dict[str, Any]:
    return {
        "id": company.number,
        "name": company.name,
        "domain": company.domain,
        "linkedin_info": {
            "public_identifier": company.slug,
            "industry": industry(company),
            "public_profile_url": company.linkedin_url,
        },
    }


def organization_full(company: Company, *, subsidiary: bool = False) -> dict[str, Any]:
    short = organization_short(company)
    if subsidiary:
        slug = f"{company.slug}-labs"
        short |= {"id": company.number + SUBSIDIARY, "name": f"{company.name.split()[0]} Labs"}
        url = f"https://www.linkedin.com/company/{slug}"
        short["linkedin_info"] |= {"public_identifier": slug, "public_profile_url": url}
    low, high = (1, 50) if company.employees <= 50 else (51, 200) if company.employees <= 200 else (201, 10_000)
    return {
        **short,
        "legal_name": short["name"],
        "website": company.website,
        "domain_rank": company.number * 1000 + (900_000 if subsidiary else 0),
        "logo": None,
        "description": company.description,
        "founded_date": f"{company.founded_year}-01-01",
        "operating_status": None,
        "employees_range": f"{low}-{high}",
        "employees_amount": company.employees,
        "keywords": [{"id": _INDUSTRY_IDS[company.industry] + 900, "name": company.industry.lower()}],
        "location": location(company.city, company.country),
        "finance_info": {"revenue": company.employees * 90_000},
        "addresses": [
            {
                "street_number": company.street.rpartition(" ")[2],
                "street_name": company.street.rpartition(" ")[0],
                "city": company.city,
                "state": None,
                "postcode": company.postcode,
                "country": company.country_code,
                "summary": f"{company.street}, {company.postcode} {company.city}",
            }
        ],
        "date_updated": UPDATED,
        "found_simple_events": [],
        "found_funding_events": [],
        "found_job_post_events": [],
    }


def roles(person: Person, world: World) -> list[tuple[int, str, bool, Company, str, str | None]]:
    """Lists (id, title, is current, company, start, end); some begin with a side role, some end with a former one."""
    title = person.forager.junk_title or person.title
    current = (CURRENT + person.number, title, True, person.employer, "2023-02-01", None)
    found: list[tuple[int, str, bool, Company, str, str | None]] = [current]
    if person.number % 29 == 0:
        side = world.companies[(person.number * 3) % len(world.companies)]
        if side != person.employer:
            found.insert(0, (SIDE + person.number, "Advisor", True, side, "2024-05-01", None))
    if person.former_employer:
        former = person.former_employer
        found.append((FORMER + person.number, person.title, False, former, "2019-01-01", "2023-01-31"))
    return found


def person_short(person: Person) -> dict[str, Any]:
    """Returns the person in the form that a role search shows."""
    place = location(person.city, person.country)
    return {
        "id": person.number,
        "full_name": person.full_name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "headline": f"{person.title} at {person.employer.name}",
        "skills": [{"name": "Negotiation"}],
        # both forms are seen in the vendor's samples
        "location": place["name"] if person.number % 7 == 0 else place,
        "linkedin_info": {
            "public_identifier": person.slug,
            "industry": industry(person.employer),
            "public_profile_url": person.linkedin_url,
        },
        "date_updated": UPDATED,
    }


def person_detail(person: Person, world: World) -> dict[str, Any]:
    empty = ("certifications", "courses", "honors", "organizations", "patents", "publications")
    return {
        **{key: value for key, value in person_short(person).items() if key != "date_updated"},
        "location": location(person.city, person.country),
        "description": None,
        "photo": None,
        "roles": [
            {
                "id": number,
                "role_title": title,
                "is_current": current,
                "start_date": start,
                "end_date": end,
                "organization": organization_short(company),
            }
            for number, title, current, company, start, end in roles(person, world)
        ],
        "educations": [
            {"id": person.number, "school_name": "Open College", "organization": {"id": 56, "name": "Open College"}}
        ],
        "languages": [{"id": 2, "name": "English"}],
        **{key: [] for key in (*empty, "test_scores", "projects", "volunteering")},
    }
