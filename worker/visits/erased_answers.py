"""Erases answers bought for an erased person, so that nobody buys them again.

Before an answer goes its question is put on the suppression list: another row of the same person, which nothing tells
as theirs, would ask it once more. An answer that does not name them and serves somebody else's record stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from worker.decide.handles import of_question
from worker.ledger.money.answers import Answers, Ref
from worker.ledger.money.handle_lists import FORGOTTEN, Suppressed, Suppressions

Says = Callable[[str], bool]


class AnswerEraser(Struct, frozen=True):
    """Decides which answers go; ``worker.ledger.journal.erasures`` deletes those of a record."""

    answers: Answers
    suppressions: Suppressions

    async def list_questions(self, keys: Iterable[str], now_ms: int) -> None:
        """Put questions on the suppression list; without a secret nothing can be on it.

        Raises:
            AnotherKeyError: the list was made with another key.
        """
        handles = [of_question(key) for key in dict.fromkeys(keys)]
        names = [(one.kind, name) for one in handles for name in self.suppressions.hashes([one])]
        if names:
            await self.suppressions.add([Suppressed(name, kind, now_ms, FORGOTTEN) for kind, name in names])

    async def drop(self, key: str, now_ms: int) -> None:
        """Keep no answer that turned out to name an erased person, and let nobody buy it again.

        Raises:
            AnotherKeyError: the list was made with another key.
        """
        await self.list_questions([key], now_ms)
        await self.answers.drop([key])

    async def part(self, records: Collection[Ref], says: Says | None, now_ms: int) -> frozenset[str]:
        """List the questions asked for a person's ``records``, and return those whose answers stay.

        Without ``says``, which tells whether a text names the person, none does.

        Raises:
            AnotherKeyError: the list was made with another key.
        """
        asked = {key for one in records for key in await self.answers.noted(one)}
        stay = frozenset[str]()
        if says is not None:
            texts = await self.answers.texts(asked)
            other = {key for key, bodies in texts.items() if not any(says(text) for text in bodies)}
            stay = frozenset(await self.answers.serving(other, records)) if other else stay
        await self.list_questions(sorted(asked - stay), now_ms)
        return stay
