"""Holds the configuration of a watched CRM object: everything a visit decides by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from connectors.models import Grade
from worker.decide.values.blanks import is_blank

DIGEST = 8  # base-16 digits: the fingerprint holds more of them


class WriteRule(StrEnum):
    """Tells when a field may be written."""

    IF_BLANK = "if_blank"
    IF_OURS = "if_ours"
    NEVER = "never"
    ALWAYS = "always"


class FieldRule(Struct, frozen=True):
    """Tells how one canonical field is filled. ``max_credits`` bounds the cost of a question, ``None`` = no bound.

    ``lock_ms`` is for how long a person's edit keeps us off, 0 = it does not.

    ``providers`` are asked in their order where that is the operator's (``ordered``), else as it pays.
    """

    field: str
    property: str
    providers: tuple[str, ...] = ()
    write: WriteRule = WriteRule.IF_BLANK
    accept: frozenset[Grade] = frozenset({Grade.VALID})
    max_credits: int | None = None
    ordered: bool = True
    lock_ms: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """Holds the rules of one (crm, object).

    ``identity``: slot -> CRM property that identifies the person; slots are ``linkedin_url, email, phone,
    mobile_phone, first_name, last_name, company_domain, company_website, company_name, country``, and the canonical
    ``work_email`` and ``personal_email``. A slot that is not given is read from the field of the same name.
    ``bad``: field -> property -> values by which the CRM says that the field's value is bad; ``*`` is any.
    ``learned``: providers are asked in the order that was seen to cost least.
    ``opt_out``: property -> values by which a person opts out, besides the CRM's own fields; ``""`` is a blank.
    """

    crm: str
    object: str
    mode: str = "auto"
    rules: tuple[FieldRule, ...] = ()
    identity: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skip_if: Mapping[str, str] = field(default_factory=dict)
    opt_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verify_person: bool = True
    allow_employer_changed: bool = False
    default_region: str = ""
    blank_values: tuple[str, ...] = ()
    recheck_ms: int = 0
    learned: bool = False
    bad: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    providers: frozenset[str] = field(init=False, compare=False)
    """Every provider that any field may be filled from."""
    digest: str = field(init=False, compare=False)
    """Eight hex digits over all configuration that affects lookups and writes."""
    slots: Mapping[str, str] = field(init=False, compare=False, repr=False)
    """The property that each identity slot is read from; a slot that is read from none may be missing."""
    sources: tuple[str, ...] = field(init=False, compare=False, repr=False)
    """Every property that identifies the record's person, or holds a watched value."""
    _rules: Mapping[str, FieldRule] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Derive once the parts that every look at a record needs."""
        object.__setattr__(self, "providers", frozenset(name for rule in self.rules for name in rule.providers))
        object.__setattr__(self, "_rules", {rule.field: rule for rule in reversed(self.rules)})
        object.__setattr__(
            self, "slots", {**{name: one.property for name, one in self._rules.items()}, **self.identity}
        )
        named = (*self.slots.values(), *(rule.property for rule in self.rules))
        object.__setattr__(self, "sources", tuple(dict.fromkeys(name for name in named if name)))
        object.__setattr__(self, "digest", _digest(self))

    def __hash__(self) -> int:
        """Returns the same for equal policies, at once: what is read of a record is kept by its policy."""
        return hash((self.crm, self.object, self.digest))

    def is_blank(self, value: str | None) -> bool:
        """Tells whether a value of the CRM is a gap: nothing to see, or one of the operator's ``blank_values``."""
        return is_blank(value, self.blank_values)

    def rule(self, name: str) -> FieldRule | None:
        """Returns the rule of a canonical field, ``None`` when it is not watched."""
        return self._rules.get(name)

    def slot(self, name: str) -> str:
        """Returns the property an identity slot is read from, ``""`` if there is none."""
        return self.slots.get(name, "")

    @property
    def properties(self) -> tuple[str, ...]:
        """Returns every property a visit must read, sorted."""
        named = {rule.property for rule in self.rules} | set(self.identity.values())
        named |= {*self.where, *self.skip_if, *self.opt_out, *(name for one in self.bad.values() for name in one)}
        return tuple(sorted(named - {""}))


def _digest(policy: Policy) -> str:
    """Returns the digest of a policy.

    ``where``, ``skip_if`` and ``opt_out`` only select records, ``recheck_ms`` only says when to look again and
    ``learned`` whom to ask first: a
    change of them opens no settled record again.
    """
    rules = [
        [
            rule.field,
            rule.property,
            rule.providers,
            rule.write,
            sorted(rule.accept),
            rule.max_credits,
            *([] if rule.ordered else [False]),
            *([f"lock {rule.lock_ms}"] if rule.lock_ms else []),
        ]
        for rule in policy.rules
    ]
    parts = [
        policy.mode,
        rules,
        sorted(policy.identity.items()),
        policy.verify_person,
        policy.allow_employer_changed,
        policy.default_region,
        *([sorted(policy.blank_values)] if policy.blank_values else []),
    ]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:DIGEST]
