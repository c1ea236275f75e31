"""Journals what a visitor orders, before it is done: who, what, and of which record."""

from __future__ import annotations

import json
from secrets import token_hex

from worker.ledger.ledger import Ledger
from worker.web.page.visitor import PageVisitor


def of_refill(kind: str, name: str) -> tuple[str, str, str]:
    """Returns where the word on something stands that is no record: a pause, a person, an entry of a list."""
    return "refill", kind, name


async def journal_word(ledger: Ledger, visitor: PageVisitor, record: tuple[str, str, str], run: str, what: str) -> None:
    """Note that ``visitor`` says ``what`` of a record: such as ``approved`` or ``replayed``."""
    entry = {"kind": "word", "state": what, "cause": visitor.who}
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    await ledger.journal.append(*record, run, [text], token=token_hex(16))
