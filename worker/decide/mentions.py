"""Tells whether a text of the ledger's, such as a kept answer, names somebody by one of their handles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from worker.decide.handles import Handle
from worker.decide.values import linkedin, phones

_APART = re.compile(r"(?<=\d)[\s().\-/\u2010-\u2015]+(?=\d)")


def mentions(handles: Iterable[Handle]) -> Callable[[str], bool]:
    """Returns a test whether a text names a person. A domain names nobody; digits count in any notation."""
    known = list(handles)
    words = [part for one in known for part in _words(one)]
    numbers = [_number(one.value) for one in known if one.kind == "phone"]
    named = re.compile("|".join(words)) if words else None
    called = re.compile("|".join(numbers)) if numbers else None

    def found(text: str) -> bool:
        if named and named.search(text.casefold()):
            return True
        return bool(called and called.search(_APART.sub("", text)))

    return found


def _words(one: Handle) -> list[str]:
    if one.kind == "email":
        return [rf"(?<![\w.+-]){re.escape(one.value.casefold())}(?![\w-])(?!\.\w)"]
    if one.kind == "slug":  # a short one could be any word, so the character before it counts
        spelt = {one.value, *linkedin.spellings(one.value), json.dumps(one.value)[1:-1]}
        either = "|".join(re.escape(text.casefold()) for text in sorted(spelt, key=len, reverse=True))
        return [rf"(?:/in/|\bslug:|\")(?:{either})(?![\w%-])"]
    return []


def _number(e164: str) -> str:
    code, national = phones.parts(e164)
    return rf"(?<!\d)(?:00)?(?:{code})?0?{national}(?!\d)"
