"""Names in plain words the parts of a story: fields, providers, runs, lookups, and why something stays as it is."""

from __future__ import annotations

from config.counts import counted
from worker.ledger.run import Run, RunKind

_FIELDS = {
    "work_email": "work e-mail",
    "personal_email": "personal e-mail",
    "linkedin_url": "LinkedIn profile",
    "slug": "LinkedIn profile",
    "email": "e-mail",
}
_PROVIDERS = {"forager": "Forager", "kaspr": "Kaspr", "openprospect": "OpenProspect"}
_RUNS = {
    RunKind.DAY: "the daily watch",
    RunKind.SYNC: "a sync that somebody started",
    RunKind.PLANNED: "a plan that somebody carried out",
    RunKind.BACKFILL: "a backfill",
    RunKind.CSV: "a file that somebody filled",
    RunKind.HAND: "a lookup by hand",
    RunKind.ASK: "somebody who let an uncertain lookup be asked again",
    RunKind.REPLAY: "somebody who asked for a new look",
    RunKind.REVIEW: "a decision in review",
    RunKind.UNDO: "an undo",
    RunKind.SUPPRESS: "a change of the suppression list",
    RunKind.FORGET: "an erasure",
    RunKind.PAUSE: "a pause",
    RunKind.RESUME: "the end of a pause",
}
_OPERATIONS = {
    "profile": "the person's profile",
    "work_emails": "work e-mails",
    "personal_emails": "personal e-mails",
    "phone_numbers": "phone numbers",
    "person_detail": "who the profile belongs to",
    "by_email": "the person behind the e-mail",
    "by_phone": "the person behind the phone number",
    "person_role_search": "the person by name and company",
}
FINDERS = {"by_email": "e-mail", "by_phone": "phone number", "person_role_search": "name and company"}
"""Names the argument of an operation that finds a person without a profile."""

BLANK = {
    "no_identity": "nothing on the record finds or proves the person",
    "identity_conflict": "its LinkedIn profile and what the providers say are two people",
    "not_found": "no provider knew it",
    "below_grade": "what was found is less sure than you accept",
    "wrong_person": "the profile belongs to somebody else",
    "unproved": "somebody was found, and nothing proves that it is this person",
    "employer_changed": "the person works elsewhere now",
    "opted_out": "the person opted out",
    "suppressed": "the person is on the suppression list",
    "budget": "what may be spent does not cover the next lookup",
    "refused": "a person cleared our value, or an undo took it back",
    "locked": "a person edited it lately",
    "rejected": "a person rejected the value in review",
    "invalid_value": "the value found is not valid",
    "bad_value": "what was found has bounced here, or was reported wrong",
    "duplicate": "another record of the CRM holds the value",
    "portal_rule": "a rule of the CRM refuses it",
    "record_locked": "the CRM has locked the record",
    "no_access": "our user may not write it",
    "org_limit": "a limit of the CRM is reached",
    "refused_by_crm": "the CRM refused the value",
}
HELD = frozenset({"bad_value", "locked"})
"""Reasons for which a field stays as it is whether it holds a value or not."""
LEFT_ALONE = {
    "where": "it is not among the records you chose (where)",
    "skip_if": "it is among the records you excluded (skip_if)",
    "opted_out": "the person opted out",
    "suppressed": "the person is on the suppression list",
    "observe": "this CRM is only observed",
}
NOTES = {
    "budget": "the budget is used up",
    "rate": "the rate is used up",
    "slow_reads": "the CRM answers reads too slowly for safe writes",
    "credits": "the provider says that no credits are left",
    "credentials": "our credentials are refused",
    "outage": "it does not answer properly",
    "reconcile": "its books are being compared with ours",
    "restored": "Redis was put back to an older state",
    "disk": "Redis may not be able to keep an answer",
    "verdict": "a lookup has no clear end yet",
    "cap": "its own may spend no more",
    "changed": "it changed while it was looked at",
    "locked": "the CRM has locked the record",
    "unread": "the CRM gave no word of the record",
    "sign_in": "signing in to the CRM is not possible now",
    "overdue": "the last visit took too long",
    "part": "part of its people are brought in, the others come next",
}


def field_word(name: str) -> str:
    """Returns a field as people call it."""
    return _FIELDS.get(name, name.replace("_", " "))


def property_word(name: str) -> str:
    """Returns a property of a CRM as people call it; a name that only the CRM's administrator reads stays as it is."""
    return f"the {field_word(name)}" if name.islower() and "__" not in name else name


def listed(names: list[str]) -> str:
    """Returns fields as a list in a sentence."""
    words = [field_word(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def provider_word(name: str) -> str:
    return _PROVIDERS.get(name, name or "a provider")


def run_word(run: str) -> str:
    """Says what started a run; one that no name of ours tells is shown as it is."""
    known = Run.named(run)
    if known.day:
        return f"the daily watch of {known.crm} on {known.day}"
    return f"run {run}" if known.kind is None else _RUNS[known.kind]


def operation_word(name: str) -> str:
    return _OPERATIONS.get(name, name.replace("_", " "))


def price_word(credits: int) -> str:
    return "no credits" if not credits else counted(credits, "credit")


def note_word(note: str) -> str:
    """Says why a visit ended unsettled; a text that is not our own is shown unchanged."""
    return NOTES.get(note, note)
