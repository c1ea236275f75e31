"""Shows a CRM record to the rules: who it is, which gaps are open, and why the rest is closed.

A field that a person edited lately is locked, whatever its rule says. An unclear writer counts as a person, and a value
of unknown age as new. A fingerprint covers everything that the rules see: while it stays the same, nothing has to be
looked at again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from json import JSONEncoder

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Discreet, Edit, Identity, Record, Writer
from worker.decide.gate import Facts
from worker.decide.handles import Handle, Reading, hints, read_record
from worker.decide.kept import NOTHING_OF_OURS, OurValue
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.reasons import Reason, Skip
from worker.decide.values import countries, phones
from worker.decide.values.fields import PHONE_FIELDS, value_hash
from worker.decide.values.text import clean


class View(Discreet, frozen=True):
    """Shows a record as the rules see it.

    ``gaps`` are the fields open to be filled, in the policy's order; ``blank`` all watched fields without a value,
    open or not; ``closed`` says why a blank one is not open. ``refused`` are fields whose value of ours a person
    cleared and that are not yet remembered as refused: the caller remembers them. ``held`` are the values of watched
    fields, ``numbers`` the record's phone numbers (field -> E.164), ``domains`` the registrable domains its employer
    may have, surest first, ``countries`` the hints by which a number without ``+`` is read. ``facts`` are what a
    found person is compared with. ``spoiled`` are fields that hold a bad value of ours: they are open as if blank;
    ``news`` has the CRM's marks on those of them that are not yet remembered as bad, and ``bad`` the hashes of all
    values that are never written again.
    """

    hidden = frozenset({"said", "held", "numbers"})
    identity: Identity
    facts: Facts = Facts()
    gaps: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    closed: Mapping[str, Reason] = {}
    refused: tuple[str, ...] = ()
    skip: Skip | None = None
    held: Mapping[str, str] = {}
    numbers: Mapping[str, str] = {}
    domains: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    spoiled: frozenset[str] = frozenset()
    news: Mapping[str, str] = {}
    bad: Mapping[str, frozenset[str]] = {}
    changed_since: int = 0  # the record's stamp, if it is newer than the refusal of a kept value
    said: Reading | None = None


def look(
    record: Record, policy: Policy, own: Mapping[str, OurValue] | None = None, before: Reading | None = None
) -> View:
    """Shows ``record`` to the rules, given our earlier values on it (``own``, by field).

    ``before`` is what it said the last time: ``View.said``.
    """
    said = read_record(record, policy, before)
    return _view(openings(record, policy, own), said, record, own or {})


def look_after(record: Record, policy: Policy, own: Mapping[str, OurValue], before: View) -> View:
    """Shows a record at the end of its visit, which began with ``before``.

    A record on which nothing is blank or open is not read once more: nobody asks who it is about, and a row of it is
    compared with nothing until something is blank again, which changes its fingerprint.
    """
    seen = openings(record, policy, own)
    said = before.said if not (seen.gaps or seen.blank) else None
    return _view(seen, said or read_record(record, policy, before.said), record, own)


class Openings(Struct, frozen=True):
    """Shows a record's openings, as ``View`` does, without its person."""

    gaps: tuple[str, ...]
    blank: tuple[str, ...]
    closed: Mapping[str, Reason]
    refused: tuple[str, ...]
    skip: Skip | None
    spoiled: frozenset[str]
    news: Mapping[str, str]


def openings(record: Record, policy: Policy, own: Mapping[str, OurValue] | None = None) -> Openings:
    """Returns what is open on a record, for a small part of the price of ``look``."""
    remembered, skip = own or {}, _skip(record, policy)
    news, spoiled, countries = dict[str, str](), frozenset[str](), tuple[str, ...]()
    if own:  # only a value of ours can turn out bad
        countries = hints(record, policy)
        news = _news(record, policy, own, countries)
        spoiled = frozenset(news) | _spoiled(record, policy, own, countries)
    blank, gaps, closed, refused = _gaps(record, policy, remembered, countries, spoiled)
    if skip and skip.reason:
        closed = dict.fromkeys(blank, skip.reason)
    return Openings(() if skip and skip is not Skip.OBSERVE else gaps, blank, closed, refused, skip, spoiled, news)


def _view(seen: Openings, said: Reading, record: Record, own: Mapping[str, OurValue]) -> View:
    news = seen.news
    return View(
        identity=said.identity,
        facts=said.facts,
        gaps=seen.gaps,
        blank=seen.blank,
        closed=seen.closed,
        refused=seen.refused,
        skip=seen.skip,
        held=said.held,
        numbers=said.numbers,
        domains=said.domains,
        countries=said.countries,
        spoiled=seen.spoiled,
        news=news,
        bad={name: frozenset({*one.bad, *([one.value_hash] if name in news else [])}) for name, one in own.items()},
        changed_since=_changed_since(record, seen.gaps, own),
        said=said,
    )


def handles(record: Record, policy: Policy) -> frozenset[Handle]:
    """Returns every handle on a record: all of its addresses, numbers, profiles and employers."""
    return read_record(record, policy).handles


def country_of(view: View) -> str:
    """Returns the two letters of a person's country: its number's, else the record's, else the crm's region."""
    numbers = (phones.home(number) for number in view.numbers.values())
    return next((code for code in (*numbers, *map(countries.region, view.countries)) if code), "")


def _news(record: Record, policy: Policy, own: Mapping[str, OurValue], countries: tuple[str, ...]) -> dict[str, str]:
    """Returns the CRM's new marks of bad values of ours; one mark counts once."""
    found = {}
    for name in policy.bad:
        ours, word = own.get(name, NOTHING_OF_OURS), _bad_word(record, policy.bad[name])
        if word and word != ours.reported and _is_ours(record, policy, name, ours, countries):
            found[name] = word
    return found


def unclaimed(record: Record, policy: Policy, own: Mapping[str, OurValue]) -> tuple[str, ...]:
    """Names the fields whose value the CRM calls bad, and that we do not remember to have written."""
    return tuple(
        name
        for name in policy.bad
        if (rule := policy.rule(name))
        and not own.get(name, NOTHING_OF_OURS).value_hash
        and _filled(record, policy, rule.property)
        and _bad_word(record, policy.bad[name])
    )


def _spoiled(record: Record, policy: Policy, own: Mapping[str, OurValue], countries: tuple[str, ...]) -> frozenset[str]:
    bad = (name for name, ours in own.items() if ours.value_hash and ours.value_hash in ours.bad)
    return frozenset(name for name in bad if _is_ours(record, policy, name, own[name], countries))


def _is_ours(record: Record, policy: Policy, name: str, ours: OurValue, countries: tuple[str, ...]) -> bool:
    """Tells whether a field holds the value that we wrote; a person's is a person's, bad or not."""
    rule = policy.rule(name)
    value = _filled(record, policy, rule.property) if rule and rule.write is not WriteRule.NEVER else ""
    return bool(value and ours.value_hash) and value_hash(name, value, countries) == ours.value_hash


def _bad_word(record: Record, said: Mapping[str, Sequence[str]]) -> str:
    """Returns the hash of the CRM's mark on a bad value, ``""`` if there is none."""
    held = {name: _value(record, name) for name in said}
    if not any(
        clean(held[name]) and ("*" in wanted or _is_one_of(held[name], wanted)) for name, wanted in said.items()
    ):
        return ""
    return hashlib.sha256("\n".join(f"{name}={held[name]}" for name in sorted(held)).encode()).hexdigest()[:12]


def _changed_since(record: Record, gaps: tuple[str, ...], own: Mapping[str, OurValue]) -> int:
    stamps = [kept.stamp for name in gaps if name in own and (kept := own[name].kept) is not None]
    return record.modified if stamps and record.modified > max(stamps) else 0


def with_values(record: Record, values: Mapping[str, str]) -> Record:
    """Returns the record as it is once ``values`` (by property) are written."""
    return replace(record, values={**record.values, **values})


def _value(record: Record, name: str) -> str:
    return (record.values.get(name) or "") if name else ""


def _filled(record: Record, policy: Policy, name: str) -> str:
    """Returns a property's value, ``""`` if it counts as blank."""
    value = _value(record, name)
    return "" if policy.is_blank(value) else value


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
    record: Record, policy: Policy, own: Mapping[str, OurValue], countries: tuple[str, ...], spoiled: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Reason], tuple[str, ...]]:
    blank: list[str] = []
    gaps: list[str] = []
    refused: list[str] = []
    closed: dict[str, Reason] = {}
    for rule in policy.rules:
        value, ours = _value(record, rule.property), own.get(rule.field, NOTHING_OF_OURS)
        is_blank = policy.is_blank(value)
        is_gap = is_blank or rule.field in spoiled
        if is_gap:
            blank.append(rule.field)
        if not may_write(rule, value, ours, countries, blank=is_gap):
            continue
        if ours.refused or (is_blank and ours.value_hash and ours.value_hash not in ours.bad):
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


class Locks(Struct, frozen=True):
    """Names the locked fields, each with the vendor's time (ms) at which it opens."""

    until: Mapping[str, int]

    @property
    def first(self) -> int:
        """Says when the first one opens, 0 when none is locked."""
        return min(self.until.values(), default=0)

    def on(self, view: View) -> View:
        """Returns the view without gaps in locked fields."""
        if not self.until:
            return view
        closed = {**view.closed, **dict.fromkeys(self.until, Reason.LOCKED)}
        return replace(view, gaps=tuple(name for name in view.gaps if name not in self.until), closed=closed)


def locks(
    record: Record,
    view: View,
    policy: Policy,
    own: Mapping[str, OurValue],
    edits: Mapping[str, Edit],
    now: int,
    *,
    complete: bool,
) -> Locks:
    """Finds the gaps of a record that a person's edit closes. ``edits`` are the last ones by property.

    They are not ``complete`` if a CRM records them only for some properties. For the others the last writer of the
    record counts as the writer of the value, unless it is ours, and a cleared blank looks like one that was never
    filled.
    """
    until: dict[str, int] = {}
    for name in view.gaps:
        rule = policy.rule(name)
        if rule is None or not rule.lock_ms:
            continue
        held = view.held.get(name, "")
        known_edit = edits.get(rule.property)
        edit = known_edit or (Edit(Writer.PERSON, now if complete else record.modified) if held else None)
        is_ours = bool(held) and own.get(name, OurValue()).value_hash == value_hash(name, held, view.countries)
        end = (
            edit.at + rule.lock_ms
            if edit and _is_a_persons(edit, is_ours=is_ours, known=complete or known_edit is not None)
            else 0
        )
        if end > now:
            until[name] = end
    return Locks(until)


def _is_a_persons(edit: Edit, *, is_ours: bool, known: bool) -> bool:
    """Tells whether an edit is a person's; if the CRM does not tell, a value of ours is ours."""
    return edit.by is Writer.PERSON and not (is_ours and not known)


def locked_blanks(edits: Mapping[str, Edit], lock_ms: Mapping[str, int], now: int) -> frozenset[str]:
    """Returns those of a row's blank properties that a person cleared less than ``lock_ms`` ago."""
    return frozenset(
        name
        for name, ms in lock_ms.items()
        if (edit := edits.get(name)) and edit.cleared and edit.by is Writer.PERSON and edit.at + ms > now
    )


LENGTH = 12
_text = JSONEncoder(ensure_ascii=False).encode


def fingerprint(view: View, policy: Policy) -> str:
    """Returns twelve hex digits over identity, open gaps and policy, and over any change since a value was refused.

    Other proofs of the person count, too: one more address or number may settle the identity.

    Taken after the push of the record as it then is, so that our own write reads as nothing new.
    """
    who = view.identity
    evidence = (view.facts.emails | view.facts.numbers) - {who.email, who.phone}
    parts = [
        [one.casefold() for one in (who.slug, who.email, who.phone, who.first_name, who.last_name, who.domain)],
        sorted(view.domains),
        sorted(view.gaps),
        policy.digest,
        *([view.changed_since] if view.changed_since else []),
        *([sorted(evidence)] if evidence else []),
    ]
    return hashlib.sha256(_text(parts).encode()).hexdigest()[:LENGTH]


def planned_mark(view: View, policy: Policy) -> str:
    """Returns the mark of a record in a plan: its fingerprint, and the values in its gaps.

    A gap that may be overwritten holds a value; the plan showed it as the earlier one.
    """
    held = [[name, view.held[name]] for name in sorted(view.gaps) if view.held.get(name)]
    parts = [str(view.skip or ""), held]
    digest = hashlib.sha256(_text(parts).encode()).hexdigest()[:LENGTH]
    return f"{fingerprint(view, policy)}{digest}"
