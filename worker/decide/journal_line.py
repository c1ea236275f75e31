"""Describes one entry of the journal in words: the action, the value, its source, its price and the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from worker.decide.values.text import is_formula

_RULES = {
    "if_blank": "the field was blank",
    "if_ours": "the field was blank or held a value of ours",
    "always": "the field is always kept up to date",
    "created": "OpenProspect delivered it",
    "linked": "OpenProspect delivered it",
    "undo": "a change of ours was taken back",
    "archived": "a row that a delivery made was taken back",
    "redo": "what was taken back was brought again",
}
_STATES = {
    "confirmed": "written",
    "seen": "not written: the same value was there",
    "unsent": "not written: it did not reach the CRM",
    "refused": "refused by the CRM",
    "overtaken": "not written: somebody else was faster",
    "gone": "not written: the record is gone",
    "already": "nothing to do: what was there before is there",
    "drifted": "left alone: another value stands there now",
    "confirmed_by_other": "left alone: somebody else has written the same value since",
    "bad": "left alone: what was there before has bounced or is wrong",
    "closed": "left alone: the person opted out or is suppressed",
    "archived": "archived",
    "touched": "left alone: somebody else has written on the row",
    "linked": "left alone: somebody or something is at the company",
    "moved": "left alone: the record was merged into another",
}
_OUTCOMES = {"hit": "the provider knew it", "miss": "the provider did not know it", "refused": "the provider refused"}
_SIGNALS = {
    "wrong_person": "the row is of another person",
    "bad_value": "the value bounced or was reported wrong",
    "job_change": "the person works elsewhere now",
    "kept_back": "the CRM did not take what was delivered",
    "incomplete": "delivered without a last name, which no CRM takes",
    "drifted": "left alone: it has changed since the plan was made",
}


@dataclass(frozen=True, slots=True)
class JournalLine:
    """Shows one entry as people read it.

    ``at`` is in ms of our clock, ``key`` orders entries and names one of them.
    """

    key: str
    at: int
    crm: str
    object: str
    id: str
    run: str
    kind: str
    field: str
    property: str
    provider: str
    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)
    state: str
    reason: str
    rule: str
    credits: int


class JournalFilter(Struct, frozen=True):
    """Chooses entries: every part that is set must agree; ``reason`` is a piece of it in any case, times are in ms."""

    run: str = ""
    record: tuple[str, str, str] | None = None
    crm: str = ""
    provider: str = ""
    field: str = ""
    reason: str = ""
    since: int = 0
    until: int = 0

    @property
    def names_something(self) -> bool:
        """Tells whether entries are asked for by a name, which may be wrong, and not by their time alone."""
        return any((self.run, self.record, self.crm, self.provider, self.field, self.reason))

    def takes(self, line: JournalLine) -> bool:
        pairs = ((self.run, line.run), (self.crm, line.crm), (self.provider, line.provider), (self.field, line.field))
        if any(wanted and wanted != held for wanted, held in pairs):
            return False
        if self.record and self.record != (line.crm, line.object, line.id):
            return False
        if self.reason and self.reason.casefold() not in line.reason.casefold():
            return False
        return line.at >= self.since and not (self.until and line.at >= self.until)


def as_line(
    key: str, where: tuple[str, str, str], run: str, entry: Mapping[str, object], at_ms: int | None = None
) -> JournalLine:
    """Returns the line of an entry kept for the record ``where``; a delivery's is of the row that it touched."""
    kind = _text(entry, "kind")
    crm, object, id = where
    names = ("made_object", "made_id") if kind == "created" else ("object", "id")
    if _text(entry, names[0]) and _text(entry, names[1]):
        object, id = _text(entry, names[0]), _text(entry, names[1])
    state = _text(entry, "state") or _text(entry, "outcome") or _text(entry, "signal") or kind
    field = _text(entry, "operation") if kind == "lookup" else _text(entry, "field")
    provider = _text(entry, "provider") or ("openprospect" if kind == "created" else "")
    after = _text(entry, "company_id") if kind == "linked" else _text(entry, "after")
    if kind == "created":
        values = entry.get("values")
        pairs = sorted(values.items()) if isinstance(values, Mapping) else []
        after = "; ".join(f"{name}={value}" for name, value in pairs if value)
    at = _number(entry, "at") or at_ms or _number({"at": key.partition("-")[0]}, "at")
    return JournalLine(
        key,
        at,
        crm,
        object,
        id,
        run,
        kind,
        field,
        _text(entry, "property"),
        provider,
        after if state == "seen" else _text(entry, "before"),  # an intent is noted before the row is read
        after,
        state,
        _reason(kind, state, entry),
        _text(entry, "rule"),
        _number(entry, "credits"),
    )


def _reason(kind: str, state: str, entry: Mapping[str, object]) -> str:
    """Says in words why it was done, or why it was not."""
    match kind:
        case "change":
            rule = _text(entry, "rule")
            words = [_STATES.get(state, state.replace("_", " ")), _RULES.get(rule, rule.replace("_", " "))]
            if state == "seen":
                words = words[:1]
        case "lookup":
            words = [_OUTCOMES.get(state, state.replace("_", " "))]
        case "signal":
            words = [_SIGNALS.get(state, state.replace("_", " "))]
        case "created":
            words = ["created", _RULES["created"]]
        case "word":
            words = [f"{state.replace('_', ' ')} by a person"]
        case "linked":
            words = ["linked to its company", _RULES["linked"]]
        case _:
            words = [kind]
    return ": ".join(word for word in (*words[:1], _text(entry, "cause") or "; ".join(words[1:])) if word)


def cell(value: object) -> str:
    """Returns the text of a cell that no spreadsheet runs as a formula: one that might be gets a quote before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if is_formula(text) else text


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return "" if value is None else str(value)


def _number(entry: Mapping[str, object], name: str) -> int:
    try:
        return int(str(entry.get(name) or 0))
    except ValueError:
        return 0
