"""Builds the searches' bodies. Only listed keys exist: the vendor ignores unknown ones and answers with anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Query(BaseModel):
    """Filters of one search; ``page`` is 0-based. Text filters are boolean expressions: see ``quoted``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
    page: int | None = None

    def body(self) -> dict[str, Any]:
        """Returns the filters that are set, as they go on the wire."""
        return self.model_dump(exclude_none=True)

    def arguments(self) -> dict[str, str]:
        """Returns the same as text, for a question: strings as they are, everything else as JSON."""
        return {
            name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            for name, value in sorted(self.body().items())
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, str]) -> Self:
        """Returns the query of a question's arguments.

        Raises:
            ValueError: a key is not a filter of this search, or its value does not fit.
        """
        values: dict[str, Any] = {}
        for name, text in arguments.items():
            try:
                values[name] = cls(**{name: text}).body()[name]
            except ValidationError:
                values[name] = json.loads(text)
        return cls(**values)


def quoted(phrase: str) -> str:
    """Returns a phrase as one term of a boolean text filter; its own quotes and backslashes are dropped."""
    return '"' + " ".join(phrase.replace('"', " ").replace("\\", " ").split()) + '"'


class _Happenings(Query):
    funding_types: list[str] | None = None
    funding_total_start: int | None = None
    funding_total_end: int | None = None
    funding_event_date_featured_start: str | None = None
    funding_event_date_featured_end: str | None = None
    job_post_title: str | None = None
    job_post_description: str | None = None
    job_post_is_remote: bool | None = None
    job_post_is_active: bool | None = None
    job_post_date_featured_start: str | None = None
    job_post_date_featured_end: str | None = None
    job_post_locations: list[int] | None = None
    job_post_locations_exclude: list[int] | None = None
    simple_event_source: str | None = None
    simple_event_reason: str | None = None
    simple_event_date_featured_start: str | None = None
    simple_event_date_featured_end: str | None = None


class RoleQuery(_Happenings):
    """Filters of ``person_role_search``; ids come from the suggestions."""

    role_title: str | None = None
    role_description: str | None = None
    role_is_current: bool | None = None
    role_position_start_date: str | None = None
    role_position_end_date: str | None = None
    role_years_on_position_start: int | None = None
    role_years_on_position_end: int | None = None
    person_name: str | None = None
    person_headline: str | None = None
    person_description: str | None = None
    person_skills: list[int] | None = None
    person_locations: list[int] | None = None
    person_industries: list[int] | None = None
    person_industries_exclude: list[int] | None = None
    person_linkedin_public_identifiers: list[str] | None = None
    organizations: list[int] | None = None
    organizations_bulk_domain: str | None = None
    organization_domains: list[str] | None = None
    organization_description: str | None = None
    organization_locations: list[int] | None = None
    organization_industries: list[int] | None = None
    organization_industries_exclude: list[int] | None = None
    organization_keywords: list[int] | None = None
    organization_web_technologies: list[int] | None = None
    organization_founded_date_start: str | None = None
    organization_founded_date_end: str | None = None
    organization_employees_start: int | None = None
    organization_employees_end: int | None = None
    organization_revenue_start: int | None = None
    organization_revenue_end: int | None = None
    organization_domain_rank_start: int | None = None
    organization_domain_rank_end: int | None = None
    organization_linkedin_public_identifiers: list[str] | None = None


class OrganizationQuery(_Happenings):
    """Filters of ``organization_search``."""

    organization_ids: list[int] | None = None
    description: str | None = None
    locations: list[int] | None = None
    industries: list[int] | None = None
    industries_exclude: list[int] | None = None
    keywords: list[int] | None = None
    employees_start: int | None = None
    employees_end: int | None = None
    founded_date_start: str | None = None
    founded_date_end: str | None = None
    revenue_start: int | None = None
    revenue_end: int | None = None
    domains: list[str] | None = None
    domain_rank_start: int | None = None
    domain_rank_end: int | None = None
    domain_traffic_start: int | None = None
    domain_traffic_end: int | None = None
    web_technologies: list[int] | None = None
    linkedin_public_identifiers: list[str] | None = None


class JobQuery(Query):
    """Filters of ``job_search``; the vendor's own default is active posts only."""

    job_source: Literal["indeed", "linkedin", "angellist"] | None = None
    date_featured_start: str | None = None
    date_featured_end: str | None = None
    organization_ids: list[int] | None = None
    title: str | None = None
    description: str | None = None
    is_remote: bool | None = None
    is_active: bool | None = None
    locations: list[int] | None = None
    locations_exclude: list[int] | None = None
