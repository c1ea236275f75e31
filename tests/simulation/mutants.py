"""Planted bugs. Each changes the text of the product as it is loaded, in the simulation's own process only.

Nothing here imports the product: the edits must be in place before it is.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


class EditError(Exception):
    """The text an edit replaces is not there exactly once: the product has changed, and the mutant must follow."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In ``path`` (below the project), ``old`` becomes ``new``."""

    path: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """The changed text."""
        if text.count(self.old) != 1:
            raise EditError(f"{self.path}: {self.old!r} is there {text.count(self.old)} times")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Mutant:
    """``seed`` is one that caught it. ``only`` narrows the cases drawn to those in which the bug can show.

    ``salesforce``: it is caught in the worlds whose CRM is Salesforce.
    """

    name: str
    seed: int
    edits: tuple[Edit, ...]
    only: str = ""
    salesforce: bool = False


_LEDGER = "worker/ledger"
MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "deduplicated in one step and stored in another",
        6,
        (
            Edit(
                f"{_LEDGER}/intake/deliveries_store.lua",
                "local new, unchanged = 0, 0\n",
                "local new, unchanged = 0, 0\nlocal second = string.sub(watermark, 1, 1) == '+'\n"
                "watermark = second and string.sub(watermark, 2) or watermark\n",
            ),
            Edit(
                f"{_LEDGER}/intake/deliveries_store.lua",
                "if redis.call('HGET', K.seen(source), id) == digest then",
                "if redis.call('HGET', K.seen(source), id) == digest and not second then",
            ),
            Edit(
                "worker/ledger/intake/deliveries.py",
                "            crms=crms,\n            rows=[(row.key, row.digest, zlib.compress(row.json.encode(), 6)) for row in rows],\n        )\n",  # noqa: E501 - as it stands there
                "            crms=(),\n            rows=[(row.key, row.digest, zlib.compress(row.json.encode(), 6)) for row in rows],\n        )\n"  # noqa: E501 - as it stands there
                "        if new:\n            await self._scripts.run(\n"
                '                "deliveries_store", source=source, run=run, crms=crms, watermark="+" + (watermark or ""),\n'  # noqa: E501 - as it stands there
                "                rows=[(row.key, row.digest, zlib.compress(row.json.encode(), 6)) for row in rows],\n"
                "            )\n",
            ),
        ),
        only="crashes",
    ),
    Mutant(
        "the cursor moves before its page is stored",
        1,
        (
            Edit(
                "worker/ledger/work/work.py",
                "        step = len(rows) if move else _CHUNK\n",
                "        if move and rows:\n"
                "            if not (await self.add((), lane=lane, run=run, move=move)).moved:\n"
                "                return Added(0, 0, 0, moved=False)\n"
                "            await self.add(rows, lane=lane, run=run, forced=forced)\n"
                "            return Added(len(rows), 0, 0, moved=True)\n"
                "        step = len(rows) if move else _CHUNK\n",
            ),
        ),
        only="pages read",
    ),
    Mutant(
        "a lease in place of a ticket: past its deadline a sent one is free again",
        1,
        (
            Edit(
                f"{_LEDGER}/money/ticket_reserve.lua", "doubt(last, old, 'deadline')", "release(last, old, 'deadline')"
            ),
            Edit(
                f"{_LEDGER}/money/ticket_reap.lua", "doubt(id, ticket, 'deadline')", "release(id, ticket, 'deadline')"
            ),
        ),
        only="crashes",
    ),
    Mutant(
        "what was sent is forgotten after a minute",
        1,
        (
            Edit(
                f"{_LEDGER}/money/ticket_sent.lua",
                "redis.call('HINCRBY', K.epoch(), 'sent', 1)",
                "redis.call('HINCRBY', K.epoch(), 'sent', 1)\nredis.call('PEXPIRE', key, 60000)",
            ),
        ),
        only="crashes",
    ),
    Mutant(
        "a paid call is repeated after a time-out",
        1,
        (
            Edit(
                "connectors/transport.py",
                '        try:\n            reply = await attempt()\n        except UnsentError as failure:\n            await ticket.released("unsent")',  # noqa: E501 - as it stands there
                "        try:\n            try:\n                reply = await attempt()\n            except BrokenError:\n"  # noqa: E501 - as it stands there
                "                reply = await attempt()\n        except UnsentError as failure:\n"
                '            await ticket.released("unsent")',
            ),
        ),
        only="vendors",
    ),
    Mutant(
        "released by the class of the exception alone",
        14,
        (
            Edit(
                "connectors/http_engine.py",
                "    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)",
                "    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, httpx.ConnectError)",
            ),
        ),
        only="vendors",
    ),
    Mutant(
        "the next window begins after the last one: > for >=",
        31,
        (
            Edit(
                "connectors/hubspot/search.py",
                "Cursor(start=max(cursor.start, cursor.end - overlap_ms))",
                "Cursor(start=cursor.end + 1)",
            ),
        ),
    ),
    Mutant(
        "the fingerprint is taken before the push",
        1,
        (
            Edit(
                "worker/visits/visit.py",
                "        after = self._watch.view(notes.record, notes.own)\n        await",
                "        after = view\n        await",
            ),
        ),
    ),
    Mutant(
        "a step of a visit does not ask whose lease it is",
        1,
        (
            Edit(
                f"{_LEDGER}/work/parts/visit.lua",
                "if w.f.s == 'leased' and w.f.owner == owner and w.f.claim == claim then",
                "if w.f.s == 'leased' then",
            ),
        ),
        only="frozen",
    ),
    Mutant(
        "the budget is looked at before the script",
        6,
        (
            Edit(
                f"{_LEDGER}/money/ticket_reserve.lua",
                "if (used[1] or 0) + (used[2] or 0) + price > tonumber(cap) then",
                "if false then",
            ),
            Edit(
                "worker/ledger/money/tickets.py",
                '        answer = await surely(\n            self._scripts,\n            "ticket_reserve",',
                "        for line in lines:\n"
                '            row = await self._scripts.call("HMGET", self._scripts.keys("budget", line.name), "spent", "reserved")\n'  # noqa: E501 - as it stands there
                "            if sum(int(one or 0) for one in row) + question.price > line.open(closed_share):\n"
                "                return NoBudget(line.name)\n"
                '        answer = await surely(\n            self._scripts,\n            "ticket_reserve",',
            ),
        ),
        only="tight",
    ),
    Mutant(
        "uncertain is taken for released",
        1,
        (Edit(f"{_LEDGER}/money/ticket_uncertain.lua", "  doubt(id, ticket, cause)", "  release(id, ticket, cause)"),),
        only="vendors",
    ),
    Mutant(
        "an answer that cannot be read is not stored, as if it had cost nothing",
        1,
        (
            Edit(
                "worker/ledger/money/tickets.py",
                "        settlement = self._read(reply)\n",
                "        settlement = self._read(reply)\n"
                '        if not reply.body.endswith((b"}", b"]")):\n'
                '            await self.released("unread")\n            return\n',
            ),
        ),
        only="pages",
    ),
    Mutant(
        "admission loses a record",
        4,
        (
            Edit(
                f"{_LEDGER}/work/floor_admit.lua",
                "  enter_due(w, now)\n  admitted",
                "  enter_due(w, now)\n  if admitted == 0 then redis.call('ZREM', K.due(w.crm, w.object, due_lane(w)), w.id) end\n"  # noqa: E501 - as it stands there
                "  admitted",
            ),
        ),
        only="tight",
    ),
    Mutant(
        "a creation claims no natural keys",
        1,
        (
            Edit(
                "worker/ledger/money/creations.py",
                "[*([external_key(external_id)] if external_id else []), *natural_keys]",
                "[external_key(external_id)] if external_id else natural_keys",
            ),
        ),
    ),
    Mutant(
        "blank is what was blank when the visit began",
        1,
        (
            Edit(
                "worker/visits/push.py",
                "push = pushing.push(pending.changes, pending.view, record, view, self._watch.policy, pending.own)",
                "push = pushing.Push(writes=pending.changes)",
            ),
        ),
        only="busy",
    ),
    Mutant(
        "a write is repeated inside its call",
        1,
        (
            Edit(
                "connectors/transport.py",
                "            return await self._updated(operation, attempt)",
                "            return await self._repeated(operation, attempt)",
            ),
        ),
        only="busy",
    ),
    Mutant(
        "what was read is written on however old it is",
        1,
        (Edit("connectors/limits.py", "FRESH_S = 2.0", "FRESH_S = 200.0"),),
        only="frozen",
    ),
    Mutant(
        "a property closed to us is given up for good",
        37,
        (
            Edit(
                "connectors/hubspot/refusals.py",
                '"READ_ONLY_VALUE": RefusalKind.ACCESS,',
                '"READ_ONLY_VALUE": RefusalKind.VALUE,',
            ),
        ),
    ),
    Mutant(
        "a locked row counts as written",
        49,
        (Edit("worker/visits/batch_writer.py", "case Written.DONE:", "case Written.DONE | Written.LOCKED:"),),
    ),
    Mutant(
        "what was read of an org is written on however old it is",
        3,
        (Edit("connectors/limits.py", "FRESH_S = 2.0", "FRESH_S = 200.0"),),
        only="frozen",
        salesforce=True,
    ),
    Mutant(
        "a contact is linked over the company that a person chose",
        1,
        (
            Edit(
                "connectors/salesforce/client.py",
                "if one not in there and (not account or one in ours)]",
                "if one not in there]",
            ),
        ),
        salesforce=True,
    ),
    Mutant(
        "a person is made without looking for them",
        1,
        (
            Edit(
                "worker/visits/deliver.py",
                "        match = await self._matcher.person(delivered, external_id, known)\n",
                "        match = Match()\n",
            ),
        ),
        salesforce=True,
    ),
    Mutant(
        "the answer of a duplicate rule is read as another object",
        1,
        (
            Edit(
                "connectors/salesforce/refusals.py",
                '_PREFIXES = {"003": "contact", "00Q": "lead", "001": "company"}',
                '_PREFIXES = {"003": "contact", "00Q": "contact", "001": "company"}',
            ),
        ),
        salesforce=True,
    ),
    Mutant(
        "what was taken back is not remembered",
        2,
        (
            Edit(
                "worker/visits/visit_notes.py",
                "            self.own[written.field] = self.of(written.field).cleared()\n",
                "            self.own[written.field] = OurValue()\n",
            ),
        ),
        only="people",
    ),
    Mutant(
        "whoever is forgotten is not suppressed",
        8,
        (
            Edit(
                "worker/upkeep/forget.py",
                "        await self.suppressions.add([Suppressed(",
                "        await asyncio.sleep(0, [Suppressed(",
            ),
        ),
        only="people",
    ),
    Mutant(
        "an erasure leaves the journal as it is",
        20,
        (
            Edit(
                "worker/ledger/journal/erasures.py",
                "            if left != entry.entry\n",
                "            if left == entry.entry\n",
            ),
        ),
        only="people",
    ),
)


def named(name: str) -> Mutant:
    """The mutant of that name."""
    return next(mutant for mutant in MUTANTS if mutant.name == name)


def source(path: str, edits: Sequence[Edit]) -> str:
    """A file of the product with its edits."""
    text = (ROOT / path).read_text("utf-8")
    for edit in edits:
        if edit.path == path:
            text = edit.applied(text)
    return text


def plant(mutant: Mutant) -> None:
    """From now on modules are loaded, and scripts found, with the mutant's edits."""
    paths = {edit.path for edit in mutant.edits}
    texts = {path: source(path, mutant.edits) for path in paths}
    modules = {path.removesuffix(".py").replace("/", "."): text for path, text in texts.items() if path.endswith(".py")}
    sys.meta_path.insert(0, _Planted(modules))


def lua(mutant: Mutant | None, text: str) -> str:
    """A whole script with the mutant's edits to its parts."""
    for path in sorted({edit.path for edit in mutant.edits if edit.path.endswith(".lua")} if mutant else ()):
        text = text.replace((ROOT / path).read_text("utf-8"), source(path, mutant.edits if mutant else ()))
    return text


class _Planted(importlib.abc.MetaPathFinder):
    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._modules:
            return None
        file = str(ROOT / (fullname.replace(".", "/") + ".py"))
        return importlib.util.spec_from_file_location(fullname, file, loader=_Loader(file, self._modules[fullname]))


class _Loader(importlib.abc.SourceLoader):
    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str) -> bytes:
        if path != self._path:
            raise OSError(path)  # no byte code of the true module
        return self._text.encode()
