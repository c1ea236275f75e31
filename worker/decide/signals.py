"""Notes what the answers tell that nobody asked for and nobody may write: the person works elsewhere now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from connectors.models import Answer, Offer
from worker.decide.findings import current_role
from worker.decide.knowledge import learn
from worker.decide.offers import catalogue
from worker.decide.policy import Policy
from worker.decide.record import View
from worker.decide.values import domains


@dataclass(frozen=True, slots=True)
class JobChange:
    """Says that the provider's current role of the record's person is at another employer than the CRM's."""

    provider: str
    question_key: str
    domain: str
    company: str = field(default="", repr=False)
    title: str = field(default="", repr=False)


def job_change(
    view: View,
    policy: Policy,
    offers: Sequence[Offer],
    answers: Mapping[str, Answer],
    missed: AbstractSet[str] = frozenset(),
) -> JobChange | None:
    """Returns a changed job by an answer that surely speaks of the record's person; ``None`` when nobody says so.

    A current role at the record's own company speaks against it, whoever tells; a role whose employer has no domain
    says nothing either way.
    """
    if not view.domains:
        return None
    change: JobChange | None = None
    for source in learn(view, policy, catalogue(offers), answers, missed).sources:
        role = current_role(source.person.roles, view.domains)
        domain = domains.company_domain(role.company.domain) if role else ""
        if role is None or not domain:
            continue
        if domain in view.domains:
            return None
        if change is None:
            asked = source.asked
            change = JobChange(asked.offer.provider, asked.question.key, domain, role.company.name, role.title)
    return change
