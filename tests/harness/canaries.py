"""Finds the secrets and the people of the imitated vendors in whatever leaves the product.

Every sandbox that starts makes its credentials and its people canaries. Looking is cheap: a canary is found by its
first word, and the words of a text are looked up in one table.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SECRET, PERSON = "secret", "person"
ANY = (SECRET, PERSON)
SECRETS = ("api_key", "token", "client_secret", "refresh_token", "webhook_secret")
WORLD_S = 120.0  # thousands of people, from a process that others keep from its turn
_SHORTEST = 6  # a shorter text may be anything's
_WORD = re.compile(r"[^\W_]+")
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


class Canaries:
    """Holds texts that must not be seen, and where they were seen all the same."""

    def __init__(self) -> None:
        self._by_word: defaultdict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._known: set[str] = set()
        self._logs: list[Path] = []
        self._leaks: list[str] = []

    def add(self, kind: str, slot: str, value: object) -> None:
        """Make a value a canary; ``slot`` is how a leak of it is told, since the value is not."""
        text = str(value or "").casefold().strip()
        if kind == PERSON and text.isalpha():  # a profile called "unknown" is every log's word
            return
        if len(text) >= _SHORTEST and (word := _WORD.search(text)):
            self._by_word[word[0]][text[word.start() :]] = (kind, slot)

    def add_vendors(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Adds the credentials of vendors as they announce themselves, and everybody they know."""
        for name, info in told.items():
            for slot in SECRETS:
                self.add(SECRET, f"{name} {slot}", info.get(slot))
        for info in list(told.values())[:1]:
            url = f"{info['control_url']}/world"
            with urllib.request.urlopen(url, timeout=WORLD_S) as reply:  # noqa: S310 - loopback
                self.add_people(json.load(reply)["people"])

    def add_people(self, people: Iterable[Mapping[str, Any]]) -> None:
        """Adds the name, the addresses, the numbers and the profile of each."""
        for one in people:
            if one["slug"] in self._known:
                continue
            self._known.add(one["slug"])
            whose = f"person {one['number']}"
            self.add(PERSON, f"{whose} name", f"{one['first_name']} {one['last_name']}")
            self.add(PERSON, f"{whose} profile", one["slug"])
            for field in ("work_email", "personal_email"):
                self.add(PERSON, f"{whose} {field}", one[field])
                self.add(PERSON, f"{whose} {field}", (one[field] or "").replace("@", "%40"))
            for field in ("mobile", "phone"):
                self.add(PERSON, f"{whose} {field}", (one[field] or "").lstrip("+"))

    def seen(self, text: str, kinds: Iterable[str] = ANY) -> list[str]:
        """Returns the slots of the canaries in a text."""
        if "\\u" in text:  # JSON of ASCII
            text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        text = text.casefold()
        return sorted(set(self._slots(text, frozenset(kinds))))

    def _slots(self, text: str, kinds: frozenset[str]) -> Iterator[str]:
        for word in _WORD.finditer(text):
            for canary, (kind, slot) in self._by_word.get(word[0], {}).items():
                end = word.start() + len(canary)
                if kind in kinds and text.startswith(canary, word.start()) and not text[end : end + 1].isalnum():
                    yield slot

    def look(self, where: str, text: str, kinds: Iterable[str] = ANY) -> None:
        """Remember what a text should not hold; the test ends with it."""
        self._leaks += [f"{slot} in {where}: {text[:300]!r}" for slot in self.seen(text, kinds)]

    def look_at_end(self, log: Path) -> None:
        """Look through a process's log when the test ends."""
        self._logs.append(log)

    def leaks(self) -> list[str]:
        """Returns what was seen since the last time, the logs of processes included."""
        logs, self._logs = self._logs, []
        for log in logs:
            if log.exists():
                for line in log.read_text("utf-8", "replace").splitlines():
                    self.look(f"the log {log.name}", line)
        found, self._leaks = self._leaks, []
        return found


CANARIES = Canaries()


class Watched:
    """Looks at each log line of a stream and keeps none."""

    def write(self, text: str) -> int:
        CANARIES.look("a log line", text)
        return len(text)

    def flush(self) -> None:
        """Does nothing: no line is kept."""

    def isatty(self) -> bool:
        return False
