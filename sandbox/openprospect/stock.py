"""Holds what OpenProspect has found for its customer: searches, delivered companies, prospects."""

import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import iso
from sandbox.options import Options
from sandbox.people import Company, Person, World

_SPACE = uuid.UUID("5d0f4f6e-0000-4000-8000-000000000000")
HOUR = 3600.0
_DEPARTMENTS = ("sales", "marketing", "engineering", "finance", "operations")


def make_id(*parts: object) -> str:
    """Returns a stable UUID derived from a name."""
    return str(uuid.uuid5(_SPACE, "/".join(map(str, parts))))


@dataclass(slots=True)
class Prospect:
    id: str
    company_id: str
    search_id: str | None
    person: Person
    email: str | None
    email_status: str | None
    phone: str | None
    mobile: str | None
    linkedin_url: str | None
    has_last_name: bool
    created_at: float

    def json(self, updated_at: float) -> dict[str, Any]:
        person = self.person
        return {
            "id": self.id,
            "company_id": self.company_id,
            "prospect_search_id": self.search_id,
            "first_name": person.first_name,
            "last_name": person.last_name if self.has_last_name else None,
            "full_name": person.full_name if self.has_last_name else person.first_name,
            "job_title": person.title,
            "seniority": "vp" if person.title.startswith("VP") else "manager",
            "department": _DEPARTMENTS[person.number % len(_DEPARTMENTS)],
            "email": self.email,
            "email_status": self.email_status,
            "phone": self.phone,
            "mobile_phone": self.mobile,
            "linkedin_url": self.linkedin_url,
            "city": person.city,
            "country": person.country,
            "created_at": iso(self.created_at),
            "updated_at": iso(updated_at),
        }


@dataclass(slots=True)
class Found:
    """Holds a company with its people, as delivered to a search or in an order's results."""

    id: str
    search_id: str | None
    company: Company
    source_id: str | None
    match_score: float
    review_status: str
    delivered_at: float
    prospects: list[Prospect] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Returns the company as JSON, without prospects."""
        company = self.company
        return {
            "id": self.id,
            "prospect_search_id": self.search_id,
            "source_id": self.source_id,
            "name": company.name,
            "website": company.website,
            "domain": company.domain,
            "city": company.city,
            "country": company.country,
            "business_type": company.industry,
            "employee_count": company.employees,
            "phone": company.phone,
            "linkedin_url": company.linkedin_url,
            "match_score": self.match_score,
            "review_status": self.review_status,
            "delivered_at": iso(self.delivered_at),
            "updated_at": iso(self.delivered_at),
        }

    def delivered_json(self) -> dict[str, Any]:
        people = [prospect.json(self.delivered_at) for prospect in self.prospects]
        return {**self.json(), "prospects": people}

    def result_json(self, features: list[str]) -> dict[str, Any]:
        body = {key: value for key, value in self.json().items() if key not in {"prospect_search_id", "delivered_at"}}
        if "CONTACTS" in features:
            body["contacts"] = [prospect.json(self.delivered_at) for prospect in self.prospects]
        if "TECHNOLOGIES" in features:
            body["technologies"] = [{"name": name, "category": "Web"} for name in self.company.technologies]
        number = f"HRB {10_000 + self.company.number}"
        body["legal"] = {"registration_number": number, "register_court": self.company.city, "legal_form": None}
        return body


class Stock:
    """Keeps seeded deliveries; more of them may arrive at any time."""

    def __init__(self, world: World, options: Options, now: float) -> None:
        self.world = world
        self.options = options
        self.started = float(int(now))
        self.chance = random.Random(f"refill-openprospect-{options.seed}")
        self.listed = {row.person.number for rows in world.rows.values() for row in rows}
        self._known = [company for company in world.companies if company.in_crm]
        self._new = [company for company in world.companies if not company.in_crm]
        self.searches: dict[str, dict[str, Any]] = {}
        self.found: dict[str, list[Found]] = {}
        for number in range(options.searches):
            self._seed_search(number)
        self._add_search("quiet", "PAUSED")

    def all_found(self) -> list[Found]:
        return [found for group in self.found.values() for found in group]

    def _add_search(self, name: str, status: str) -> str:
        search_id = make_id(self.options.seed, "search", name)
        self.searches[search_id] = {
            "id": search_id,
            "name": f"Search {name}",
            "status": status,
            "version": 3,
            "ideal_customer_profile": "Makers of useful things in fifteen countries",
            "geo_locations": ["DE", "US"],
            "search_keywords": ["crm"],
            "created_at": iso(self.started - 300 * HOUR),
            "updated_at": iso(self.started - 30 * HOUR),
        }
        self.found[search_id] = []
        return search_id

    def _seed_search(self, number: int) -> None:
        """Seeds a search: about 40 % known companies, the rest new; every search after the first shares one with it."""
        search_id = self._add_search(str(number + 1), "ACTIVE")
        total = self.options.delivered_companies
        known = self.chance.sample(self._known, min(len(self._known), total * 2 // 5))
        shared = [self._shared()] if number and self._shared() else []
        fresh = [self._new.pop(0) for _ in range(min(len(self._new), total - len(known) - len(shared)))]
        companies = [company for company in (*shared, *fresh, *known) if company]
        for place, company in enumerate(companies):
            share = self.options.delivered_prospects * (place + 1) // len(companies)
            share -= self.options.delivered_prospects * place // len(companies)
            age = (len(companies) - place) * 0.25 * HOUR
            self.deliver(search_id, company, share, self.started - age)

    def _shared(self) -> Company | None:
        first = next(iter(self.found.values()), [])
        return first[0].company if first else None

    def deliver(self, search_id: str, company: Company, share: int, at: float) -> Found:
        found = self.make_found(search_id, search_id, company, share, at)
        self.found[search_id].append(found)
        return found

    def arrive(self, search_id: str, count: int, at: float) -> list[str]:
        """Delivers new companies now; if there are no more, the oldest comes again with a new score."""
        ids = []
        for _ in range(count):
            if self._new:
                ids.append(self.deliver(search_id, self._new.pop(0), 2, at).id)
            elif self.found[search_id]:
                again = min(self.found[search_id], key=lambda one: one.delivered_at)
                again.delivered_at, again.match_score = at, round(again.match_score / 2, 1)
                ids.append(again.id)
        return ids

    def make_found(self, owner: str, search_id: str | None, company: Company, share: int, at: float) -> Found:
        """Makes a company with people. `owner` (a search or an order) goes into the ids: they differ between owners."""
        company_id = make_id(self.options.seed, owner, "company", company.number)
        known = company.in_crm
        found = Found(
            id=company_id,
            search_id=search_id,
            company=company,
            # an id from a CRM, but from an unknown one
            source_id=f"CRM-{1000 + company.number}" if known and company.number % 2 else None,
            match_score=round(self.chance.uniform(5, 10), 1),
            review_status="accepted",
            delivered_at=at,
        )
        staff = [person for person in self.world.staff[company.number] if person.former_employer is None]
        # half of the people at a known company are in the CRMs, the others are new
        listed = [person for person in staff if person.number in self.listed]
        unlisted = [person for person in staff if person.number not in self.listed]
        if self.options.mistakes.some:  # people whose profile or address is on another's row come before all others
            listed.sort(key=lambda person: person.number not in self.world.confused)
            unlisted.sort(key=lambda person: person.number not in self.world.confused)
        chosen = [*listed[: share // 2], *unlisted, *listed[share // 2 :]][:share]
        found.prospects = [self._prospect(owner, search_id, company_id, person, at) for person in chosen]
        return found

    def _prospect(self, owner: str, search_id: str | None, company_id: str, person: Person, at: float) -> Prospect:
        chance = self.chance
        has_email = chance.random() < 0.6
        status = chance.choices(("valid", "risky", "invalid", "unknown"), (80, 8, 4, 8))[0]
        return Prospect(
            id=make_id(self.options.seed, owner, "prospect", person.number),
            company_id=company_id,
            search_id=search_id,
            person=person,
            email=person.work_email if has_email else None,
            email_status=status if has_email else None,
            phone=person.phone if chance.random() < 0.15 else None,
            mobile=person.mobile if chance.random() < 0.1 else None,
            linkedin_url=person.linkedin_url if not has_email or chance.random() < 0.9 else None,
            has_last_name=chance.random() >= 0.03,
            created_at=at - HOUR,
        )
