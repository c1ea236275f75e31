"""Says who looks at the page, and what they may do there."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum


class PageRole(IntEnum):
    """Holds what a visitor may do; each may do what those before may."""

    VIEWER = 1  # sees
    OPERATOR = 2  # decides, replays, undoes, suppresses, pauses
    ADMIN = 3  # erases people, takes them off the suppression list

    @property
    def word(self) -> str:
        """Returns its name, as tokens and proxies say it."""
        return self.name.lower()


def highest(words: Iterable[str]) -> PageRole | None:
    """Returns the highest role that a proxy names; ``None`` where none of its words is one."""
    known = {role.word: role for role in PageRole}
    return max((known[word] for one in words if (word := one.strip().lower()) in known), default=None)


@dataclass(frozen=True, slots=True)
class PageVisitor:
    """Names somebody who is signed in. ``secret`` is known to us and their browser alone."""

    role: PageRole
    name: str
    secret: bytes = field(repr=False)

    @property
    def who(self) -> str:
        """Returns what the journal says of them."""
        return f"{self.name} ({self.role.word})" if self.name else self.role.word

    def mark(self, text: str) -> str:
        """Returns what proves that a page of ours wrote ``text`` for this visitor, such as the address of a form."""
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()

    def wrote(self, text: str, mark: str) -> bool:
        """Tells whether ``mark`` is that of ``text``."""
        return hmac.compare_digest(self.mark(text).encode(), mark.encode("utf-8", "surrogateescape"))
