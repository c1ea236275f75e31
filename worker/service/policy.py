"""Derives the policy that visits decide by from the configuration of a watched object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from config.crms import CrmSettings, Rule, WatchSettings
from config.fields import PROPERTIES, READ_ONLY
from config.paid import Providers
from connectors import ports
from connectors.models import Property
from connectors.registry import NAMES
from worker.decide.fitting import chosen
from worker.decide.policy import FieldRule, Policy, WriteRule

_WHO = ("first_name", "last_name", "work_email", "personal_email", "linkedin_url", "company_name", "company_domain")


def policy(crm: str, settings: CrmSettings, object: str, watched: WatchSettings, providers: Providers) -> Policy:
    """Returns everything a visit of ``object`` decides by; providers that are not configured are left out."""
    known = frozenset(providers.paid)
    identity: dict[str, str] = {str(slot): name for slot, name in watched.identity.items()}
    country = PROPERTIES.get((settings.kind, object), {}).get("country")
    if country:
        identity.setdefault("country", country)  # a number without + is read by it
    for slot, name in READ_ONLY.get((settings.kind, object), {}).items():
        identity.setdefault(slot, name)
    return Policy(
        crm=crm,
        object=object,
        mode=settings.mode,
        rules=tuple(_rule(name, rule, known, settings.lock) for name, rule in watched.fields.items()),
        identity=identity,
        where=dict(watched.where),
        skip_if=dict(watched.skip_if),
        opt_out=opt_out(settings, object),
        verify_person=providers.verify_person,
        allow_employer_changed=watched.allow_employer_changed,
        default_region=settings.default_region or "",
        blank_values=settings.blank_values,
        bad=_bad(settings, object, watched),
        learned=settings.order == "learned",
        recheck_ms=int(watched.recheck.total_seconds() * 1000),
    )


def locks(settings: CrmSettings, object: str, properties: Mapping[str, str]) -> dict[str, int]:
    """Tells how long (ms) a person's clearing of a property keeps deliveries off it; ``properties`` are by field."""
    watched = settings.watching(object)
    own = {str(name): getattr(rule, "lock", None) for name, rule in watched.fields.items()} if watched else {}
    locks = {property: own.get(name) for name, property in properties.items()}
    found = {name: settings.lock if lock is None else lock for name, lock in locks.items()}
    return {name: int(lock.total_seconds() * 1000) for name, lock in found.items() if lock}


def opt_out(settings: CrmSettings, object: str) -> dict[str, tuple[str, ...]]:
    """Returns the properties of an object by which people say no, and the values that do."""
    return dict(next((values for kind, values in settings.opt_out.items() if kind == object), {}))


def _bad(settings: CrmSettings, object: str, watched: WatchSettings) -> dict[str, dict[str, tuple[str, ...]]]:
    """Returns what says of the filled fields of an object that their values are bad."""
    found = next((by_field for kind, by_field in settings.bad.items() if kind == object), {})
    return {str(name): dict(by) for name, by in found.items() if name in watched.fields}


def _rule(name: str, rule: Rule, known: frozenset[str], lock: timedelta) -> FieldRule:
    return FieldRule(
        field=name,
        property=rule.property,
        providers=tuple(name for name in (NAMES if rule.from_ is None else rule.from_) if name in known),
        ordered=rule.from_ is not None,
        write=WriteRule(rule.write),
        accept=frozenset(rule.accept),
        max_credits=rule.max_credits,
        lock_ms=int((lock if rule.lock is None else rule.lock).total_seconds() * 1000),
    )


def naming(rules: Policy, properties: Iterable[str]) -> list[str]:
    """Returns the keys of the configuration, below the crm, by which an object's properties are named."""
    bad = {name for said in rules.bad.values() for name in said}
    found = set[str]()
    for one in properties:
        place = "opt_out" if one in rules.opt_out else "bad" if one in bad else "watch"
        found.add(f"{place}.{rules.object}")
    return sorted(found)


def as_records_say(settings: CrmSettings, rules: Policy, schema: Mapping[str, Property]) -> Policy:
    """Returns the policy with its selection in the words of records: ids in one spelling, options by internal value.

    Raises:
        ValueError: a value is not a valid id in a property that holds ids; the message names its key.
    """

    def spelled(group: str, name: str, value: str) -> tuple[str, ...]:
        if not value.strip() or name not in schema:
            return (value,)
        if schema[name].kind != "id":
            return chosen(value, schema[name])
        try:
            return (settings.record_id(value),)
        except ValueError as error:
            key = f"crm.{rules.crm}.watch.{rules.object}.{group}.{name}"
            raise ValueError(f'{key} = "{value}" {error}') from None

    where = {
        name: tuple(dict.fromkeys(other for one in values for other in spelled("where", name, one)))
        for name, values in rules.where.items()
    }
    skip_if: dict[str, str] = {}
    for name, value in rules.skip_if.items():
        found = spelled("skip_if", name, value)
        if len(found) > 1:
            key = f"crm.{rules.crm}.watch.{rules.object}.skip_if.{name}"
            raise ValueError(f'{key} = "{value}" is the label of several options. Use one of: {", ".join(found)}')
        skip_if[name] = found[0]
    return replace(rules, where=where, skip_if=skip_if, opt_out=no_in_records(rules.opt_out, schema))


def no_in_records(
    opt_out: Mapping[str, tuple[str, ...]], schema: Mapping[str, Property]
) -> Mapping[str, tuple[str, ...]]:
    """Returns the values by which people say no, with labels of options as the values that records hold."""
    return {
        name: tuple(dict.fromkeys(other for one in values for other in chosen(one, schema[name])))
        if name in schema
        else values
        for name, values in opt_out.items()
    }


def watched_of(policy: Policy, also: Iterable[str] = ()) -> ports.Watched:
    """Lists what a connector reads and searches on behalf of ``policy``, and ``also`` what else it reads.

    A field that may be written over is always a gap to the vendor's filter: only we can tell whether it is ours, or
    holds one of the values that count as blank. Properties that identify a person, select records, or hold opt-outs may
    not be missing; if another one is missing, the record is read without it, and its field is left alone.
    """
    who = {policy.slot(name) for name in _WHO}
    needed = {*who, *policy.where, *policy.skip_if, *policy.opt_out, *also}
    writable = [rule for rule in policy.rules if rule.write is not WriteRule.NEVER]
    only_blanks = all(rule.write is WriteRule.IF_BLANK for rule in writable)
    only_blanks = only_blanks and not policy.blank_values and not policy.bad  # a bad value is never in a blank
    return ports.Watched(
        object=policy.object,
        properties=tuple(sorted({*policy.properties, *also})),
        gaps=tuple(rule.property for rule in writable) if only_blanks else (),
        where=policy.where,
        skip_if=policy.skip_if,
        optional=frozenset(policy.properties) - needed,
    )


def verified(settings: CrmSettings, policy: Policy) -> frozenset[str]:
    """Returns the fields whose writes are checked against the property history afterwards."""
    fields = frozenset(rule.field for rule in policy.rules)
    if settings.verify_writes is not None:
        return fields if settings.verify_writes else frozenset()
    return frozenset(rule.field for rule in policy.rules if rule.write is not WriteRule.IF_BLANK)
