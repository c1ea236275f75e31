"""Decides the next step of a visit, from what is known so far. Called again after every answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from connectors.models import Answer, Offer, Property, Question
from worker.decide.decision import Change, Decision, Next
from worker.decide.findings import Finding, Judged, job_change, judge
from worker.decide.knowledge import Knowledge, catalogue, finders, learn, lookups
from worker.decide.not_now import GiveUp, WaitForProvider
from worker.decide.policy import FieldRule, Policy
from worker.decide.reasons import Reason
from worker.decide.record import View
from worker.decide.values.fields import EMAIL_FIELDS, PHONE_FIELDS, same_value
from worker.decide.waterfall import LEFT_BEHIND, Ask, Step, Supply, Waterfall, independent

__all__ = ["Change", "Decision", "Next", "candidates", "decide"]

_WORTH_TELLING = (Reason.BAD_VALUE, Reason.EMPLOYER_CHANGED, Reason.BELOW_GRADE, Reason.INVALID_VALUE)
_NOTHING_LEFT = frozenset({Reason.NOT_FOUND, Reason.NO_IDENTITY})


def decide(
    view: View,
    policy: Policy,
    supply: Supply,
    answers: Mapping[str, Answer],
    *,
    missed: AbstractSet[str] = frozenset(),
    schema: Mapping[str, Property] | None = None,
) -> Decision:
    """Decides what to ask next, what to write and why the rest stays open.

    ``answers`` (by question key) are kept or just bought, in any order; ``missed`` are keys that count as misses.
    ``schema`` is the CRM's description of its properties: a value that does not fit them is not taken.
    """
    if view.skip:
        reason = view.skip.reason
        return Decision(unfilled=dict.fromkeys(view.blank, reason) if reason else {}, identity=view.identity)
    properties = schema or {}
    askable = catalogue(policy, supply.offers)
    known = learn(view, policy, askable, answers, missed)
    rules = [rule for name in view.gaps if (rule := policy.rule(name))]
    shut = [rule for rule in rules if rule.property in properties and not properties[rule.property].writable]
    rules = [rule for rule in rules if rule not in shut]
    judged = {rule.field: judge(rule.field, rule, view, policy, known, properties) for rule in rules}
    chosen = _chosen(judged)

    if not known.found and not known.identity.email and (found := _email(chosen)):
        wider = replace(view, identity=replace(view.identity, email=found))  # a found e-mail is identity at once
        return decide(wider, policy, supply, answers, missed=missed, schema=schema)

    open_rules = [rule for rule in rules if rule.field not in chosen]
    waterfall = Waterfall(view, policy, askable, known, open_rules, supply)
    steps = waterfall.steps()
    unfilled = {name: reason for name, reason in view.closed.items() if name in view.blank}
    unfilled |= {rule.field: Reason.NO_ACCESS for rule in shut}
    unfilled |= {
        name: _why(name, step, judged[name], known, waterfall)
        for name, step in steps.items()
        if isinstance(step, GiveUp)
    }
    changes = tuple(_change(rule, chosen[rule.field]) for rule in rules if _is_new(rule, chosen, view))
    identity = known.identity
    if not identity.email and (found := _email(chosen)):
        identity = replace(identity, email=found)
    return Decision(
        questions=_questions(steps, known),
        changes=changes,
        unfilled={name: reason for name, reason in unfilled.items() if name in view.blank},
        blocked=_blocked(steps),
        identity=identity,
        rightly=frozenset(one.asked.question.key for one in known.sources),
        dropped=_dropped(judged, known),
        unfit=tuple(_change(rule, unfit[0]) for rule in open_rules if (unfit := judged[rule.field].unfit)),
        job=job_change(view, known.sources),
    )


def candidates(
    view: View,
    policy: Policy,
    offers: Sequence[Offer],
    answers: Mapping[str, Answer],
    missed: AbstractSet[str] = frozenset(),
) -> tuple[Question, ...]:
    """Returns every question that could be asked about the person as known so far and is not answered.

    Kept answers to any of them are worth loading before ``decide``: they cost nothing and serve every gap.
    """
    if view.skip or not view.gaps:
        return ()
    askable = catalogue(policy, offers)
    known = learn(view, policy, askable, answers, missed)
    found = (*lookups(askable, known.identity), *finders(askable, known.identity, view.domains))
    return tuple(question for _, question in found if question.key not in known.asked)


def _chosen(judged: Mapping[str, Judged]) -> dict[str, Finding]:
    """Returns the first good value per field. One number goes to both phone fields only if there is no other.

    It does close the gap then: a more expensive question would be paid for a number that may be no better.
    """
    chosen: dict[str, Finding] = {}
    taken: set[str] = set()
    for name in sorted(judged, key=lambda one: one != "mobile_phone"):  # the fewer numbers will do, the earlier
        fresh = [finding for finding in judged[name].good if name not in PHONE_FIELDS or finding.value not in taken]
        for finding in (*fresh, *judged[name].good, *judged[name].spare)[:1]:
            chosen[name] = finding
            taken.add(finding.value)
    return chosen


def _email(chosen: Mapping[str, Finding]) -> str:
    return next((chosen[name].value.lower() for name in ("work_email", "personal_email") if name in chosen), "")


def _is_new(rule: FieldRule, chosen: Mapping[str, Finding], view: View) -> bool:
    if rule.field not in chosen:
        return False
    held = view.held.get(rule.field, "")
    return not held or not same_value(rule.field, chosen[rule.field].value, held, view.countries)


def _change(rule: FieldRule, finding: Finding) -> Change:
    grade = finding.grade if rule.field in EMAIL_FIELDS else None
    return Change(rule.field, rule.property, finding.value, finding.provider, grade, finding.question_key)


def _why(name: str, step: GiveUp, judged: Judged, known: Knowledge, waterfall: Waterfall) -> Reason:
    if known.conflict:
        return Reason.IDENTITY_CONFLICT
    if known.wrong:
        return Reason.WRONG_PERSON
    reason = Reason(step.reason)
    if reason not in _NOTHING_LEFT:  # a budget, or a closed provider
        return reason
    for why in _WORTH_TELLING:
        if why in judged.reasons:
            return why
    if name in LEFT_BEHIND and waterfall.has_left:
        return Reason.EMPLOYER_CHANGED
    if known.others:
        return Reason.WRONG_PERSON
    if known.unsure:
        return Reason.UNPROVED
    return reason


def _questions(steps: Mapping[str, Step], known: Knowledge) -> tuple[Next, ...]:
    """Returns the question that pays best, and those that no answer among them could make unnecessary."""
    asks: dict[str, Ask] = {}
    fields: dict[str, list[str]] = {}
    for name, step in steps.items():
        if isinstance(step, Ask):
            key = step.question.key
            asks[key] = min(asks.get(key, step), step, key=lambda ask: ask.ratio)
            fields.setdefault(key, []).append(name)
    chosen: list[Ask] = []
    for ask in sorted(asks.values(), key=lambda ask: ask.ratio):
        if all(independent(ask, other, fields, known) for other in chosen):
            chosen.append(ask)
    return tuple(Next(ask.question, ask.offer, tuple(fields[ask.question.key])) for ask in chosen)


def _blocked(steps: Mapping[str, Step]) -> dict[str, tuple[str, ...]]:
    waiting: dict[str, tuple[str, ...]] = {}
    for name, step in steps.items():
        if isinstance(step, WaitForProvider):
            waiting[step.provider] = (*waiting.get(step.provider, ()), name)
    return waiting


def _dropped(judged: Mapping[str, Judged], known: Knowledge) -> dict[str, int]:
    reasons = [str(reason) for one in judged.values() for reason in one.reasons]
    reasons += [str(Reason.WRONG_PERSON)] * len(known.others)
    return dict(sorted(Counter(reasons).items())) if reasons else {}
