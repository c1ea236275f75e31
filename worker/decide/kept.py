"""Keeps with a record the memory of our values on it: those written, those that a person or the CRM refused.

A value that was paid for and that the CRM refused is kept itself, so that nobody pays for it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from msgspec import Struct, json
from msgspec.structs import replace

from connectors.models import Grade, Identity, RefusalKind, WriteResult, Written
from worker.decide.decision import Change
from worker.decide.policy import Policy

FIRST_MS = 10 * 60_000
LONGEST_MS = 2 * 86_400_000
REFUSED = "refused."  # counted of a run: by the CRM's word
TRIES = 6  # of what time alone may end; after that only a change of the record
_encoder = json.Encoder()


@dataclass(frozen=True, slots=True)
class RefusedValue:
    """Holds a refused value of one field, with the CRM's message.

    ``who`` stands for the identity it was found by, ``stamp`` is the record's (vendor ms) when it was refused last.
    """

    value: str = field(repr=False)
    provider: str
    grade: str
    question: str
    kind: str
    code: str = ""
    words: str = ""
    existing_id: str = ""
    who: str = ""
    stamp: int = 0
    tries: int = 1

    @property
    def cause(self) -> str:
        """Tells people why: the kind, the record in the way, the CRM's code and words."""
        return _cause(self.kind, self.code, self.words, self.existing_id)


class OurValue(Struct, frozen=True):
    """Holds the memory of a value of ours.

    ``value_hash`` is set once its write is confirmed, ``refused`` when a person cleared it, ``rejected`` when a person
    rejected it in review, ``kept`` if the CRM refused it. ``bad`` are hashes of values that bounced or were reported
    wrong, ``reported`` is the hash of the CRM's latest mark.
    """

    value_hash: str = ""
    refused: bool = False
    rejected: bool = False
    kept: RefusedValue | None = None
    bad: tuple[str, ...] = ()
    reported: str = ""

    def written(self, hash: str) -> OurValue:
        """Returns the memory once another value of ours is in the field."""
        return OurValue(hash, bad=self.bad, reported=self.reported)

    def cleared(self) -> OurValue:
        """Returns the memory once nothing of ours is to be written there."""
        return OurValue(refused=True, bad=self.bad, reported=self.reported)


NOTHING_OF_OURS = OurValue()


def cause_of(word: WriteResult) -> str:
    """Returns the text that people see of a refusal."""
    return _cause(word.kind, word.code, word.words, word.existing_id)


def refused_name(word: WriteResult) -> str:
    """Returns the name under which a run counts a CRM's refusal with this message, whichever row was in the way."""
    return refused_because(cause_of(replace(word, existing_id="")))


def refused_because(cause: str) -> str:
    """Returns the same of a cause."""
    return REFUSED + cause.replace("|", "/")


def _cause(kind: str, code: str, words: str, existing_id: str) -> str:
    text = f"duplicate of {existing_id}" if existing_id else kind.replace("_", " ")
    said = ": ".join(part for part in (code, words) if part)
    return f"{text} ({said})" if said else text


def kept(
    change: Change, word: WriteResult, identity: Identity, stamp: int, before: RefusedValue | None
) -> RefusedValue:
    """Returns the memory of ``change`` once the CRM has refused it with ``word``."""
    tries = before.tries + 1 if before is not None and before.value == change.value else 1
    grade = str(change.grade or "")
    why = (str(word.kind), word.code, word.words, word.existing_id)
    return RefusedValue(change.value, change.provider, grade, change.question_key, *why, who(identity), stamp, tries)


def who(identity: Identity) -> str:
    """Returns the hash of a person: a kept value is used for nobody else."""
    text = "\n".join(one.casefold() for one in (identity.slug, identity.first_name, identity.last_name))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def changes(
    held: Mapping[str, RefusedValue], gaps: Sequence[str], identity: Identity, policy: Policy
) -> tuple[Change, ...]:
    """Returns the kept values of open gaps as changes: they are written without a question."""
    found = []
    for name in gaps:
        one, rule = held.get(name), policy.rule(name)
        if one is not None and rule is not None and one.who == who(identity):
            grade = Grade(one.grade) if one.grade else None
            found.append(Change(name, rule.property, one.value, one.provider, grade, one.question))
    return tuple(found)


def look_again_ms(held: Sequence[RefusedValue]) -> int:
    """Returns how long until refused values are tried again without a change of the record; 0 for never."""
    waits = [growing_ms(one.tries) for one in held if RefusalKind(one.kind).passes and one.tries < TRIES]
    return min(waits, default=0)


def unfit(change: Change, identity: Identity, stamp: int) -> RefusedValue:
    """Returns the memory of a value that waits for an option of its property; nobody has refused it yet."""
    word = WriteResult(Written.INVALID, kind=RefusalKind.VALUE, words="its property has no such option")
    return kept(change, word, identity, stamp, None)


def growing_ms(attempt: int) -> int:
    """Returns how long to wait after refusal number ``attempt`` (from 1): ten minutes at first, two days at most."""
    return min(LONGEST_MS, FIRST_MS << 2 * (attempt - 1))


def own_values(texts: Mapping[str, str]) -> dict[str, OurValue]:
    """Reads the memory of our values on a record from the texts the ledger keeps by field."""
    return {name: _own(json.decode(text)) for name, text in texts.items()}


def _own(fields: dict[str, Any]) -> OurValue:
    kept, bad, word = fields.pop("kept", None), tuple(fields.pop("bad", ())), fields.pop("told", "")
    return OurValue(**fields, kept=RefusedValue(**kept) if kept else None, bad=bad, reported=word)


def own_texts(own: Mapping[str, OurValue]) -> dict[str, str]:
    """Returns the texts the ledger keeps for our values."""
    return {name: _encoder.encode(_fields_of(value)).decode() for name, value in own.items()}


def _fields_of(own: OurValue) -> dict[str, Any]:
    fields: dict[str, Any] = {"value_hash": own.value_hash, "refused": own.refused}
    fields |= {"rejected": True} if own.rejected else {}
    fields |= {"bad": own.bad, "told": own.reported} if own.bad else {}
    return fields | ({"kept": asdict(own.kept)} if own.kept else {})
