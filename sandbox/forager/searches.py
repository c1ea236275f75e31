"""Operations 1 to 4 and 11 to 13: jobs, organizations, roles, websites."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.calls import Call, Reply
from sandbox.forager.phrases import is_loose, matches
from sandbox.forager.shapes import (
    SUBSIDIARY,
    TECHNOLOGY_IDS,
    UPDATED,
    industry,
    location,
    organization_full,
    organization_short,
    person_short,
    roles,
)
from sandbox.forager.state import ForagerState
from sandbox.people import Company, Person

PAGE, CEILING = 10, 500
Role = tuple[int, str, bool, Company, str, str | None]

# filters this imitation understands; any other key is ignored, as the vendor does
ROLE_FILTERS: Mapping[str, Callable[[Any, Person, Role], bool]] = {
    "role_title": lambda wanted, _, role: matches(wanted, role[1]),
    "role_is_current": lambda wanted, _, role: role[2] is wanted,
    "role_position_start_date": lambda wanted, _, role: role[4] >= wanted,
    "role_position_end_date": lambda wanted, _, role: (role[5] or "9999") <= wanted,
    "person_name": lambda wanted, person, _: matches(wanted, person.full_name),
    "person_headline": lambda wanted, person, _: matches(wanted, f"{person.title} at {person.employer.name}"),
    "person_locations": lambda wanted, person, _: location(person.city, person.country)["id"] in wanted,
    "person_industries": lambda wanted, person, _: industry(person.employer)["id"] in wanted,
    "person_industries_exclude": lambda wanted, person, _: industry(person.employer)["id"] not in wanted,
    "person_linkedin_public_identifiers": lambda wanted, person, _: person.slug in _lower(wanted),
    "organizations": lambda wanted, _, role: role[3].number in wanted,
    "organization_domains": lambda wanted, _, role: role[3].domain in _lower(wanted),
    "organizations_bulk_domain": lambda wanted, _, role: role[3].domain in wanted.lower().split(),
    "organization_description": lambda wanted, _, role: matches(wanted, role[3].description),
    "organization_locations": lambda wanted, _, role: location(role[3].city, role[3].country)["id"] in wanted,
    "organization_industries": lambda wanted, _, role: industry(role[3])["id"] in wanted,
    "organization_industries_exclude": lambda wanted, _, role: industry(role[3])["id"] not in wanted,
    "organization_employees_start": lambda wanted, _, role: role[3].employees >= wanted,
    "organization_employees_end": lambda wanted, _, role: role[3].employees <= wanted,
    "organization_linkedin_public_identifiers": lambda wanted, _, role: role[3].slug in _lower(wanted),
    "organization_web_technologies": lambda wanted, _, role: _uses(role[3], wanted),
}
ORGANIZATION_FILTERS: Mapping[str, Callable[[Any, Company], bool]] = {
    "organization_ids": lambda wanted, company: company.number in wanted,
    "description": lambda wanted, company: matches(wanted, company.description),
    "locations": lambda wanted, company: location(company.city, company.country)["id"] in wanted,
    "industries": lambda wanted, company: industry(company)["id"] in wanted,
    "industries_exclude": lambda wanted, company: industry(company)["id"] not in wanted,
    "keywords": lambda wanted, company: industry(company)["id"] + 900 in wanted,
    "employees_start": lambda wanted, company: company.employees >= wanted,
    "employees_end": lambda wanted, company: company.employees <= wanted,
    "founded_date_start": lambda wanted, company: f"{company.founded_year}-01-01" >= wanted,
    "founded_date_end": lambda wanted, company: f"{company.founded_year}-01-01" <= wanted,
    # noisy on purpose: a domain also finds those that begin alike
    "domains": lambda wanted, company: any(company.domain.startswith(one[:12]) for one in _lower(wanted)),
    "web_technologies": lambda wanted, company: _uses(company, wanted),
    "linkedin_public_identifiers": lambda wanted, company: company.slug in _lower(wanted),
}
JOB_FILTERS: Mapping[str, Callable[[Any, dict[str, Any]], bool]] = {
    "job_source": lambda wanted, job: job["source"] == wanted,
    "date_featured_start": lambda wanted, job: job["date_featured"] >= wanted,
    "date_featured_end": lambda wanted, job: job["date_featured"] <= wanted,
    "organization_ids": lambda wanted, job: job["organization"]["id"] in wanted,
    "title": lambda wanted, job: matches(wanted, job["title"]),
    "is_remote": lambda wanted, job: job["is_remote"] is wanted,
    "is_active": lambda wanted, job: job["is_active"] is wanted,
    "locations": lambda wanted, job: job["location"]["id"] in wanted,
    "locations_exclude": lambda wanted, job: job["location"]["id"] not in wanted,
}
TEXT_FILTERS = ("role_title", "role_description", "person_name", "person_headline", "description", "title")


class Searches:
    def __init__(self, vendor: ForagerState) -> None:
        self.vendor = vendor
        world = vendor.world
        self._found = [person for person in world.people if person.forager.detail]
        self._by_domain: dict[str, list[Person]] = {}
        for person in self._found:
            for domain in {role[3].domain for role in roles(person, world)}:
                self._by_domain.setdefault(domain, []).append(person)
        self._jobs = [job for company in world.companies for job in _jobs_of(company)]

    def jobs(self, call: Call) -> Reply:
        return self._paid_page(call, "job_search_api_call", self._matching_jobs)

    def job_totals(self, call: Call) -> Reply:
        return self._totals(call, self._matching_jobs)

    def organizations(self, call: Call) -> Reply:
        return self._paid_page(call, "organization_search_api_call", self._matching_organizations)

    def organization_totals(self, call: Call) -> Reply:
        return self._totals(call, self._matching_organizations)

    def roles(self, call: Call) -> Reply:
        return self._paid_page(call, "person_role_search_api_call", self._matching_roles)

    def role_totals(self, call: Call) -> Reply:
        if refusal := _bad_filter(call.object) or _loose_text(call.object):
            return refusal
        if not set(call.object) & set(ROLE_FILTERS):
            return Reply(200, dict.fromkeys(("total_search_results", "total_persons", "total_organizations")))
        found = self._matching_roles(call.object)
        return Reply(
            200,
            {
                # an estimate: the vendor's own counts disagree with each other above the window
                "total_search_results": min(len(found), CEILING),
                "total_persons": len({role["person"]["id"] for role in found}),
                "total_organizations": len({role["organization"]["id"] for role in found}),
            },
        )

    def website(self, call: Call) -> Reply:
        body, world = call.object, self.vendor.world
        keys = [
            key for key in ("domain", "organization_id", "organization_linkedin_public_identifier") if body.get(key)
        ]
        if len(keys) != 1:
            return Reply(400, {"non_field_errors": ["Exactly one identifier is required."]})
        wanted = call.entry.key = str(body[keys[0]])
        if refusal := self.vendor.short_of("organization_technologies_lookup"):
            return refusal
        if keys[0] == "domain":
            host = wanted.lower().partition("://")[2] or wanted.lower()
            company = world.company_by_domain.get(host.strip("/").removeprefix("www."))
        elif keys[0] == "organization_id":
            company = next((one for one in world.companies if str(one.number) == wanted), None)
        else:
            company = world.company_by_slug.get(wanted.lower())
        if company is None:
            return Reply(404, {"detail": "No website matches the given query."})
        self.vendor.spend(call, "organization_technologies_lookup", company.domain, {"organization_id": company.number})
        return Reply(200, _website(company))

    # how a search works

    def _paid_page(
        self, call: Call, change_type: str, matching: Callable[[dict[str, Any]], list[dict[str, Any]]]
    ) -> Reply:
        page = call.object.get("page", 0)
        if not isinstance(page, int) or page < 0:
            return Reply(400, {"page": ["Ensure this value is greater than or equal to 0."]})
        if refusal := _bad_filter(call.object) or self.vendor.short_of(change_type):
            return refusal
        call.entry.key = "&".join(f"{key}={call.object[key]}" for key in sorted(call.object))
        found = matching(call.object)
        self.vendor.spend(call, change_type, call.entry.key, {"page": page})
        shown = found[:CEILING][page * PAGE : (page + 1) * PAGE]
        return Reply(200, {"search_results": shown, "total_search_results": len(found)})

    def _totals(self, call: Call, matching: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> Reply:
        if refusal := _bad_filter(call.object) or _loose_text(call.object):
            return refusal
        return Reply(200, {"total_search_results": min(len(matching(call.object)), CEILING)})

    def _matching_roles(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = [(ROLE_FILTERS[key], value) for key, value in body.items() if key in ROLE_FILTERS]
        world = self.vendor.world
        return [
            {
                "id": role[0],
                "role_title": role[1],
                "is_current": role[2],
                "date_updated": UPDATED,
                "person": person_short(person),
                "organization": organization_full(role[3]),
            }
            for person in self._candidates(body)
            for role in roles(person, world)
            if all(fits(value, person, role) for fits, value in wanted)
        ]

    def _candidates(self, body: dict[str, Any]) -> Iterable[Person]:
        """Returns the people whom an index leaves for the filters to decide on."""
        slugs, domains = body.get("person_linkedin_public_identifiers"), body.get("organization_domains")
        if domains:
            return [person for domain in sorted(_lower(domains)) for person in self._by_domain.get(domain, ())]
        if not slugs:
            return self._found
        named = (self.vendor.world.by_slug.get(slug) for slug in _lower(slugs))
        return [person for person in named if person and person.forager.detail]

    def _matching_organizations(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = [(ORGANIZATION_FILTERS[key], value) for key, value in body.items() if key in ORGANIZATION_FILTERS]
        found: list[dict[str, Any]] = []
        for company in self.vendor.world.companies:
            ids = body.get("organization_ids") or []
            if all(fits(value, company) for fits, value in wanted):
                found.append(organization_full(company))
            # a second organization on the same domain, ranked behind
            if company.number % 10 == 0 and (
                company.number + SUBSIDIARY in ids or (not ids and company.domain in _lower(body.get("domains") or []))
            ):
                found.insert(0, organization_full(company, subsidiary=True))
        return found

    def _matching_jobs(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        body = {"is_active": True, **body}
        wanted = [(JOB_FILTERS[key], value) for key, value in body.items() if key in JOB_FILTERS]
        return [job for job in self._jobs if all(fits(value, job) for fits, value in wanted)]


def _lower(values: Iterable[str]) -> set[str]:
    return {value.lower() for value in values}


def _uses(company: Company, wanted: Iterable[int]) -> bool:
    return bool({TECHNOLOGY_IDS[name] for name in company.technologies} & set(wanted))


def _bad_filter(body: dict[str, Any]) -> Reply | None:
    """Filters of the wrong type are refused with the field's name."""
    lists = {"organizations", "organization_ids", "locations", "keywords", "domains"}
    for key, value in body.items():
        known = key in ROLE_FILTERS or key in ORGANIZATION_FILTERS or key in JOB_FILTERS
        is_list = key in lists or key.endswith(("_domains", "_identifiers", "_locations", "industries", "technologies"))
        if known and is_list and not isinstance(value, list):
            return Reply(400, {key: ["Expected a list of items."]})
        if known and key in TEXT_FILTERS and not isinstance(value, str):
            return Reply(400, {key: ["Not a valid string."]})
    return None


def _loose_text(body: dict[str, Any]) -> Reply | None:
    for key in TEXT_FILTERS:
        if is_loose(body.get(key) or ""):
            return Reply(400, {key: ["Multi-word phrases must be quoted."]})
    return None


def _website(company: Company) -> dict[str, Any]:
    return {
        "id": company.number,
        "domain": company.website if company.number % 2 else company.domain,
        "tranco_rank": company.number * 1000,
        "similarweb_rank": None,
        "similarweb_traffic": company.employees * 150,
        "website_technologies": [
            {"web_technology_id": TECHNOLOGY_IDS[name], "name": name, "is_active": True}
            for name in company.technologies
        ],
    }


def _jobs_of(company: Company) -> list[dict[str, Any]]:
    titles = ("Account Executive", "Sales Development Representative", "Backend Engineer")
    return [
        {
            "id": company.number * 10 + place,
            "source": ("linkedin", "indeed", "angellist")[place % 3],
            "date_featured": f"2026-11-{(company.number + place) % 28 + 1:02d}",
            "source_id": str(40_000 + company.number * 10 + place),
            "organization": organization_short(company),
            "url": f"https://www.linkedin.com/jobs/view/{40_000 + company.number * 10 + place}",
            "title": titles[place],
            "description": None,
            "is_remote": place == 2,
            "location": location(company.city, company.country),
            "is_active": (company.number + place) % 5 != 0,
        }
        for place in range(company.number % 4)
    ]
