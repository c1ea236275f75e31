"""Shows a CRM record to the rules: who it is, which gaps are open, and why the rest is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors.models import Identity, Record
from worker.decide.gate import Facts, facts
from worker.decide.handles import Handle, of_values
from worker.decide.kept import RefusedValue
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.reasons import Reason, Skip
from worker.decide.values import countries, domains, emails, linkedin, phones
from worker.decide.values.fields import PHONE_FIELDS, value_hash
from worker.decide.values.names import is_placeholder
from worker.decide.values.person import PersonName, spells_another
from worker.decide.values.text import clean

_EMAIL_SLOTS = ("email", "work_email", "personal_email")
_NUMBER_SLOTS = ("mobile_phone", "phone")
_HANDLE_SLOTS = (*_EMAIL_SLOTS, *_NUMBER_SLOTS, "linkedin_url", "company_domain", "company_website")


@dataclass(frozen=True, slots=True)
class OurValue:
    """Holds what we remember of a value of ours.

    ``value_hash`` once its write is confirmed, ``refused`` when a person cleared it or ``rejected`` it in review, and
    what is ``kept`` of one that the CRM refused.
    """

    value_hash: str = ""
    refused: bool = False
    rejected: bool = False
    kept: RefusedValue | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Represents a record as the rules see it.

    ``gaps`` are the fields open to be filled, in the policy's order; ``blank`` all watched fields without a value,
    open or not; ``closed`` says why a blank one is not open. ``refused`` are fields whose value of ours a person
    cleared and that are not yet remembered as refused: the caller remembers them. ``held`` are the values of watched
    fields, ``numbers`` the record's phone numbers (field -> E.164), ``domains`` the registrable domains its employer
    may have, surest first, ``countries`` the hints by which a number without ``+`` is read. ``facts`` are what a
    found person is compared with.
    """

    identity: Identity
    facts: Facts = field(default_factory=Facts)
    gaps: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    closed: Mapping[str, Reason] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    skip: Skip | None = None
    held: Mapping[str, str] = field(default_factory=dict, repr=False)
    numbers: Mapping[str, str] = field(default_factory=dict, repr=False)
    domains: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    changed_since: int = 0  # the record's stamp, where it is newer than the refusal of a value that is kept


def look(record: Record, policy: Policy, own: Mapping[str, OurValue] | None = None) -> View:
    """Shows ``record`` to the rules, given what we wrote on it earlier (``own``, by field)."""
    remembered = own or {}
    countries = _countries(record, policy)
    read = {slot: phones.read(_slot(record, policy, slot), countries) for slot in _NUMBER_SLOTS}
    addresses, employers = _emails(record, policy), _employers(record, policy)
    known = _domains(record, policy, employers)
    first, last = (_name(_slot(record, policy, slot)) for slot in ("first_name", "last_name"))
    slug = linkedin.slug(_slot(record, policy, "linkedin_url"))
    identity = Identity(
        slug="" if spells_another(slug, PersonName(first, last)) else slug,  # nobody is asked about a stranger
        email=next((one.email.lower() for text in addresses if (one := emails.read(text)).asked), ""),
        phone=next((number.personal for number in read.values() if number.personal), ""),
        first_name=first,
        last_name=last,
        domain=known[0] if known else "",
    )
    skip = _skip(record, policy)
    blank, gaps, closed, refused = _gaps(record, policy, remembered, countries)
    if skip and skip.reason:
        closed = dict.fromkeys(blank, skip.reason)
    return View(
        identity=identity,
        facts=facts(
            first=identity.first_name,
            last=identity.last_name,
            emails=addresses,
            numbers=[number.e164 for number in read.values()],
            employers=employers,
            slug=identity.slug,
        ),
        gaps=() if skip and skip is not Skip.OBSERVE else gaps,
        blank=blank,
        closed=closed,
        refused=refused,
        skip=skip,
        held={
            rule.field: value for rule in policy.rules if not policy.is_blank(value := _value(record, rule.property))
        },
        numbers={slot: number.e164 for slot, number in read.items() if number.e164},
        domains=known,
        countries=countries,
        changed_since=_changed_since(record, gaps, remembered),
    )


def handles(record: Record, policy: Policy) -> frozenset[Handle]:
    """Returns every handle that a record bears: all of its addresses, numbers, profiles and employers."""
    texts = {slot: text for slot in _HANDLE_SLOTS if (text := _slot(record, policy, slot))}
    linked = {"domain": record.company_domain} if record.company_domain else {}
    return of_values({**texts, **linked}, _countries(record, policy))


def country_of(view: View) -> str:
    """Returns the two letters of a person's country: its number's, else the record's, else where the crm is at home."""
    numbers = (phones.home(number) for number in view.numbers.values())
    return next((code for code in (*numbers, *map(countries.region, view.countries)) if code), "")


def _changed_since(record: Record, gaps: tuple[str, ...], own: Mapping[str, OurValue]) -> int:
    stamps = [kept.stamp for name in gaps if name in own and (kept := own[name].kept) is not None]
    return record.modified if stamps and record.modified > max(stamps) else 0


def with_values(record: Record, values: Mapping[str, str]) -> Record:
    """Returns the record as it is once ``values`` (by property) are written."""
    return replace(record, values={**record.values, **values})


def _value(record: Record, name: str) -> str:
    return (record.values.get(name) or "") if name else ""


def _filled(record: Record, policy: Policy, name: str) -> str:
    """Returns a property's value, ``""`` where it counts as blank."""
    value = _value(record, name)
    return "" if policy.is_blank(value) else value


def _slot(record: Record, policy: Policy, slot: str) -> str:
    """Reads an identity slot's property."""
    return _filled(record, policy, policy.slot(slot))


def _name(text: str) -> str:
    """Returns the name, or ``""`` for a form's placeholder such as ``[not provided]``."""
    return "" if is_placeholder(text) else clean(text)


def _countries(record: Record, policy: Policy) -> tuple[str, ...]:
    return tuple(hint for hint in (_slot(record, policy, "country"), policy.default_region) if hint)


def _emails(record: Record, policy: Policy) -> list[str]:
    """Lists the addresses in the record's fields, the work address first."""
    names = dict.fromkeys(policy.slot(slot) for slot in _EMAIL_SLOTS)
    return [text for name in names if (text := _filled(record, policy, name))]


def _employers(record: Record, policy: Policy) -> tuple[str, ...]:
    """Lists what tells the employer by itself, surest first: own property, own site, linked company."""
    texts = (
        _slot(record, policy, "company_domain"),
        _slot(record, policy, "company_website"),
        record.company_domain,
    )
    return tuple(text for text in texts if text)


def _domains(record: Record, policy: Policy, employers: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the employer's registrable domains, surest first.

    The work address comes last, since people change jobs.
    """
    personal = policy.slot("personal_email")
    mail = next((policy.slot(slot) for slot in ("email", "work_email") if policy.slot(slot)), "")
    texts = (*employers, emails.domain(_filled(record, policy, mail)) if mail != personal else "")
    return tuple(dict.fromkeys(domain for text in texts if (domain := domains.company_domain(text))))


def _skip(record: Record, policy: Policy) -> Skip | None:
    if record.suppressed:
        return Skip.SUPPRESSED
    if record.opted_out or says_no(record, policy.opt_out):
        return Skip.OPTED_OUT
    if any(not _is_one_of(_value(record, name), wanted) for name, wanted in policy.where.items()):
        return Skip.WHERE
    if any(_is_one_of(_value(record, name), (unwanted,)) for name, unwanted in policy.skip_if.items()):
        return Skip.SKIP_IF
    return Skip.OBSERVE if policy.mode == "observe" else None


def says_no(record: Record, opt_out: Mapping[str, tuple[str, ...]]) -> bool:
    """Tells whether a person has opted out by a property of the customer's; of several choices one is enough."""
    return any(
        _is_one_of(one, unwanted)
        for name, unwanted in opt_out.items()
        for one in (_value(record, name).split(";") if _value(record, name) else [""])
    )


def _is_one_of(value: str, wanted: Sequence[str]) -> bool:
    return clean(value).casefold() in {clean(one).casefold() for one in wanted}


def _gaps(
    record: Record, policy: Policy, own: Mapping[str, OurValue], countries: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Reason], tuple[str, ...]]:
    blank: list[str] = []
    gaps: list[str] = []
    refused: list[str] = []
    closed: dict[str, Reason] = {}
    for rule in policy.rules:
        value, ours = _value(record, rule.property), own.get(rule.field, OurValue())
        is_gap = policy.is_blank(value)
        if is_gap:
            blank.append(rule.field)
        if not may_write(rule, value, ours, countries, blank=is_gap):
            continue
        if ours.refused or (is_gap and ours.value_hash):
            closed[rule.field] = Reason.REJECTED if ours.rejected else Reason.REFUSED
            if not ours.refused:
                refused.append(rule.field)
        elif record.do_not_call and rule.field in PHONE_FIELDS:
            closed[rule.field] = Reason.OPTED_OUT
        else:
            gaps.append(rule.field)
    return tuple(blank), tuple(gaps), closed, tuple(refused)


def may_write(
    rule: FieldRule, value: str | None, ours: OurValue, countries: tuple[str, ...] = (), *, blank: bool
) -> bool:
    """Tells whether the field's rule allows a write over ``value``, which counts as ``blank`` or not.

    Whether ours was refused is another question.
    """
    if rule.write is WriteRule.NEVER:
        return False
    if rule.write is WriteRule.ALWAYS or blank:
        return True
    return (
        rule.write is WriteRule.IF_OURS
        and bool(ours.value_hash)
        and ours.value_hash == value_hash(rule.field, value or "", countries)
    )
