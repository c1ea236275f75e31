"""Judges the values in answers for a field: the first that may be written, or why there is none.

Answers may also contain a fact that nobody asked for and nobody may write: that the person works elsewhere now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Email, Grade, Person, PhoneKind, Property, Role
from worker.decide.decision import JobChange
from worker.decide.fitting import NO_OPTION, Invalid, fit
from worker.decide.knowledge import Knowledge, Source
from worker.decide.policy import FieldRule, Policy
from worker.decide.reasons import Reason
from worker.decide.record import View
from worker.decide.values import domains, emails, linkedin, phones
from worker.decide.values.fields import EMAIL_FIELDS, EMPLOYER_FIELDS, PHONE_FIELDS, normal, value_hash
from worker.decide.values.person import PersonName, parts
from worker.decide.values.text import is_masked

_BEST_FIRST = tuple(Grade)


class Finding(Struct, frozen=True):
    """Holds a value an answer offers.

    ``grade`` is of e-mails, ``fixed`` of numbers the provider or their form say so of.
    """

    field: str
    value: str
    provider: str
    question_key: str
    grade: Grade | None = None
    fixed: bool = False


class _Unfit(Struct, frozen=True):
    finding: Finding


@dataclass(slots=True)
class Judged:
    """Holds the values offered for one field: those that may be written, and why others may not."""

    good: list[Finding] = field(default_factory=list)
    spare: list[Finding] = field(default_factory=list)
    """Good, but only when nothing else is left: a number the record holds already in the other field."""
    reasons: list[str] = field(default_factory=list)
    """One for each value that may not be written."""
    unfit: list[Finding] = field(default_factory=list)
    """Good, but none of the options that the property has at present."""


def judge(
    name: str, rule: FieldRule, view: View, policy: Policy, known: Knowledge, schema: Mapping[str, Property]
) -> Judged:
    """Returns the values offered for the field, in the order of the rule's providers, cheapest answer first."""
    judged = Judged()
    if not known.sources:
        return judged
    for provider in dict.fromkeys(rule.providers):
        for source in known.sources:
            if source.asked.offer.provider != provider:
                continue
            for offered in _offered(name, source, view, policy):
                finding = _checked(offered, rule, view, schema) if isinstance(offered, Finding) else offered
                if isinstance(finding, _Unfit):
                    judged.reasons.append(Reason.INVALID_VALUE)
                    judged.unfit.append(finding.finding)
                elif isinstance(finding, str):
                    judged.reasons.append(finding)
                elif name in PHONE_FIELDS and finding.value == view.numbers.get(_other(name)):
                    judged.spare.append(finding)
                else:
                    judged.good.append(finding)
    if name == "phone":
        judged.good.sort(key=lambda finding: (rule.providers.index(finding.provider), not finding.fixed))
    return judged


def _other(name: str) -> str:
    return "phone" if name == "mobile_phone" else "mobile_phone"


def _offered(name: str, source: Source, view: View, policy: Policy) -> Iterator[Finding | str]:
    person, offer, key = source.person, source.asked.offer, source.asked.question.key
    if name in EMAIL_FIELDS:
        ordered = sorted(person.emails, key=lambda email: (_BEST_FIRST.index(email.grade), not _at_home(email, view)))
        for email in ordered:
            problem = _email_problem(name, email, view, policy)
            yield problem or Finding(name, email.address, offer.provider, key, email.grade)
    elif name in PHONE_FIELDS:
        countries = tuple(hint for hint in (person.country, *view.countries) if hint)
        for phone in person.phones:
            number = phones.read(phone.number, countries, phone.kind)
            if not number.personal:
                yield "masked" if number.problem == "masked" else Reason.INVALID_VALUE
            elif name == "mobile_phone" and not number.mobile:
                yield "wrong_kind"
            else:
                fixed = number.fixed or phone.kind is PhoneKind.FIXED
                yield Finding(name, number.personal, offer.provider, key, fixed=fixed)
    elif name == "linkedin_url":
        slug = linkedin.slug(person.slug)
        if slug and "slug" in offer.gives:
            yield Finding(name, linkedin.url(slug), offer.provider, key)
    else:
        for value, employer in _texts(name, person, view):
            moved = employer and name in EMPLOYER_FIELDS and _moved(employer, view, policy)
            yield Reason.EMPLOYER_CHANGED if moved else Finding(name, value, offer.provider, key)


def _checked(finding: Finding, rule: FieldRule, view: View, schema: Mapping[str, Property]) -> Finding | _Unfit | str:
    """Returns the finding in its one spelling and fit for the CRM, or why it cannot be written."""
    if is_masked(finding.value):
        return "masked"
    if finding.grade is not None and finding.grade not in rule.accept - {Grade.INVALID}:  # always
        return Reason.BELOW_GRADE
    value = normal(finding.field, finding.value, view.countries)
    if not value:
        return Reason.INVALID_VALUE
    described = schema.get(rule.property)
    if described:
        fitted = fit(value, finding.field, described)
        if isinstance(fitted, Invalid):
            return _Unfit(replace(finding, value=value)) if fitted.reason == NO_OPTION else Reason.INVALID_VALUE
        value = fitted
    bad = view.bad.get(finding.field)
    if bad and value_hash(finding.field, value, view.countries) in bad:
        return Reason.BAD_VALUE
    return Finding(finding.field, value, finding.provider, finding.question_key, finding.grade, fixed=finding.fixed)


def _at_home(email: Email, view: View) -> bool:
    return domains.registrable(email.address) in view.domains


def _email_problem(name: str, email: Email, view: View, policy: Policy) -> str:
    """Says why this address does not fit the field, ``""`` if it does."""
    address = emails.read(email.address)
    if address.problem == "masked":
        return "masked"
    if not address.asked:  # unreadable, or nobody's: a role, a dummy, a disposable host
        return Reason.INVALID_VALUE
    if name == "personal_email":
        return "" if email.kind == "personal" or (address.free and not email.kind) else "wrong_kind"
    if email.kind == "personal" or not address.work:
        return "wrong_kind"
    return Reason.EMPLOYER_CHANGED if _moved(email.address, view, policy) else ""


def _moved(place: str, view: View, policy: Policy) -> bool:
    """Tells whether an address or domain lies off every domain the record's company has.

    Unknown ones are not judged.
    """
    if policy.allow_employer_changed or not view.domains:
        return False
    return domains.registrable(place) not in view.domains


def _texts(name: str, person: Person, view: View) -> Iterator[tuple[str, str]]:
    """Yields a person's values of a free-text field, best first, and the employer's domain they speak of."""
    role = current_role(person.roles, view.domains)
    employer = role.company.domain if role else ""
    values: tuple[str, ...] = ()
    match name:
        case "first_name" | "last_name":
            first, last = parts(PersonName(person.first_name, person.last_name, person.full_name))
            values = (first if name == "first_name" else last,)
        case "city":
            values = (person.city,)
        case "country":
            values = (person.country,)
        case "job_title":
            values = (role.title if role else "", person.title)
        case "company_name":
            values = (role.company.name if role else "",)
        case "company_domain":
            values = (domains.company_domain(employer),)
    yield from ((value, employer) for value in dict.fromkeys(values) if value)


def current_role(roles: Sequence[Role], company_domains: Sequence[str]) -> Role | None:
    """Returns the role that counts: a current one at the record's company, else the first current one."""
    current = [role for role in roles if role.current]
    here = [role for role in current if domains.registrable(role.company.domain) in company_domains]
    return next(iter(here or current), None)


def job_change(view: View, sources: Sequence[Source]) -> JobChange | None:
    """Returns a changed job by people who are proved to be the record's; ``None`` if none says so.

    A current role at the record's own company speaks against it, whoever tells; a role whose employer has no domain
    says nothing either way.
    """
    if not view.domains:
        return None
    change: JobChange | None = None
    for source in sources:
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
