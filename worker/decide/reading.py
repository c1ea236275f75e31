"""Reads what a record says by itself: who it is, and what its watched fields hold.

A visit looks at the same values again and again: in the poll, when it begins, before it writes, when it ends. They are
read once for each content, since what we wrote on the record and remember of it changes nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from connectors.models import Discreet, Identity, Record
from worker.decide.gate import Facts, facts
from worker.decide.handles import Handle, of_values
from worker.decide.policy import Policy
from worker.decide.values import domains, emails, linkedin, phones
from worker.decide.values.names import is_placeholder
from worker.decide.values.person import PersonName, spells_another
from worker.decide.values.text import clean

_EMAIL_SLOTS = ("email", "work_email", "personal_email")
_NUMBER_SLOTS = ("mobile_phone", "phone")
_HANDLE_SLOTS = (*_EMAIL_SLOTS, *_NUMBER_SLOTS, "linkedin_url", "company_domain", "company_website")
_KEPT = 1_024  # contents: those that visits of one process are about to look at again


class Reading(Discreet, frozen=True):
    """Holds what a record says.

    ``held`` are the values of watched fields, ``numbers`` its phone numbers (field -> E.164), ``domains`` the
    registrable domains its employer may have, surest first, ``countries`` the hints by which a number without ``+`` is
    read. ``facts`` are what a found person is compared with, ``handles`` all addresses, numbers, profiles and employers
    that it bears.
    """

    hidden = frozenset({"held", "numbers", "handles"})
    identity: Identity
    facts: Facts = Facts()
    held: Mapping[str, str] = {}
    numbers: Mapping[str, str] = {}
    domains: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    handles: frozenset[Handle] = frozenset()


def read_record(record: Record, policy: Policy) -> Reading:
    """Returns what ``record`` says in the properties that ``policy`` names."""
    return _read(tuple(record.values.items()), record.company_domain, policy)


@lru_cache(maxsize=_KEPT)
def _read(values: tuple[tuple[str, str | None], ...], company_domain: str, policy: Policy) -> Reading:
    said = {name: value for name, value in values if value and not policy.is_blank(value)}
    texts = {slot: text for slot, name in policy.slots.items() if (text := said.get(name))}
    hints = tuple(hint for hint in (texts.get("country"), policy.default_region) if hint)
    read = {slot: phones.read(texts.get(slot, ""), hints) for slot in _NUMBER_SLOTS}
    addresses = list(dict.fromkeys(policy.slots[slot] for slot in _EMAIL_SLOTS if slot in texts))
    addresses = [said[name] for name in addresses]
    own_site = (texts.get("company_domain"), texts.get("company_website"))
    employers = tuple(text for text in (*own_site, company_domain) if text)
    known = _domains(texts, policy, employers)
    first, last = (_name(texts.get(slot, "")) for slot in ("first_name", "last_name"))
    slug = linkedin.slug(texts.get("linkedin_url", ""))
    identity = Identity(
        slug="" if spells_another(slug, PersonName(first, last)) else slug,  # nobody is asked about a stranger
        email=next((one.email.lower() for text in addresses if (one := emails.read(text)).asked), ""),
        phone=next((number.personal for number in read.values() if number.personal), ""),
        first_name=first,
        last_name=last,
        domain=known[0] if known else "",
    )
    borne = {slot: text for slot in _HANDLE_SLOTS if (text := texts.get(slot))}
    return Reading(
        identity=identity,
        facts=facts(
            first=first,
            last=last,
            emails=addresses,
            numbers=[number.e164 for number in read.values()],
            employers=employers,
            slug=identity.slug,
        ),
        held={rule.field: said[rule.property] for rule in policy.rules if rule.property in said},
        numbers={slot: number.e164 for slot, number in read.items() if number.e164},
        domains=known,
        countries=hints,
        handles=of_values({**borne, **({"domain": company_domain} if company_domain else {})}, hints),
    )


def _name(text: str) -> str:
    """Returns the name, or ``""`` for a form's placeholder such as ``[not provided]``."""
    return "" if is_placeholder(text) else clean(text)


def _domains(texts: Mapping[str, str], policy: Policy, employers: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the employer's registrable domains, surest first.

    They come from its own property, its own site and the linked company. The work address comes last, since people
    change jobs.
    """
    slots = policy.slots
    slot = next((slot for slot in ("email", "work_email") if slots.get(slot)), "")
    is_work = slots.get(slot) != slots.get("personal_email")
    texts_of_employers = (*employers, emails.domain(texts.get(slot, "")) if is_work else "")
    return tuple(dict.fromkeys(domain for text in texts_of_employers if (domain := domains.company_domain(text))))
