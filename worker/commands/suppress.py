"""Implements ``suppress``: people who are never looked up, created or written."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from msgspec.structs import asdict

from config.plain import escaped
from config.problems import ConfigError, unreadable
from config.settings import Settings
from worker.commands.options import Config, Country, Json, OfKind, as_command, group
from worker.commands.session import err, opened_ledger, out, print_json, report, settings_of
from worker.commands.tables import table
from worker.decide.handles import KINDS, Handle, read
from worker.ledger.ledger import Ledger
from worker.ledger.money.handle_lists import Suppressed, Suppressions
from worker.manual.exit_codes import DONE, FAILED
from worker.reports.words import ago
from worker.service.refresh_tokens import secret_key, suppressions_of

SHOWN = 12  # digits of a hash that tell it apart from the others of a list
LINES = 10  # that an import names of those it cannot read


Values = Annotated[list[str], typer.Argument(metavar="VALUE...", help="An e-mail, phone, LinkedIn profile or domain.")]
Why = Annotated[str, typer.Option(help="A note that the list shows; no personal data.")]
app = group("Keep people and companies from being looked up, created or written.")


class ValueReading(Struct, frozen=True):
    """Says how values are read: as one kind, and in which countries numbers are at home."""

    kind: str = ""
    countries: tuple[str, ...] = ()


@as_command(app, "add")
async def suppress_add(
    values: Values,
    kind: OfKind = None,
    country: Country = None,
    why: Why = "",
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Stop looking up, creating or writing these; visits under way end without them."""
    reading = ValueReading(kind or "", tuple(country or ()))
    settings = settings_of(config)
    handles = [known(text, reading, settings) for text in values]
    async with _opened(settings, writing=True) as (ledger, list_):
        now = await ledger.scripts.now()
        new = await list_.add(entries_of(list_, handles, now, why))
    old = len(values) - new
    said = f"{_count(new)} added" + (f", {old} already on the list" if old else "")
    report({"added": new, "already": old}, said, as_json=as_json)
    return DONE


@as_command(app, "list")
async def suppress_list(config: Config = None, as_json: Json = False) -> int:
    """List every entry, oldest first, as hashes: names would be personal data."""
    async with _opened(settings_of(config)) as (ledger, list_):
        entries, now = await list_.all(), await ledger.scripts.now()
    if as_json:
        print_json([asdict(one) for one in entries])
        return DONE
    rows = [(one.hash[:SHOWN], one.kind, ago(one.at, now), one.why) for one in entries]
    out.print(table("Suppressed", ("hash", "kind", "since", "why"), rows))
    return DONE


@as_command(app, "remove")
async def suppress_remove(
    values: Annotated[list[str], typer.Argument(metavar="VALUE|HASH...", help="A value, or what the list shows.")],
    kind: OfKind = None,
    country: Country = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Take values off the list: they may be looked up, created and written again."""
    reading = ValueReading(kind or "", tuple(country or ()))
    settings = settings_of(config)
    async with _opened(settings) as (_, list_):
        entries = {one.hash for one in await list_.all()}
        found = [next(iter(named(text, entries, list_, reading, settings)), "") for text in values]
        unknown = [str(at) for at, name in enumerate(found, 1) if not name]
        if unknown:
            err.say(f"not on the list, so nothing was removed: value {', '.join(unknown)}. Next: refill suppress list")
            return FAILED
        removed = await list_.remove(sorted(set(found)))
    said = f"{_count(removed)} removed; refill sync --full looks at their records again"
    report({"removed": removed}, said, as_json=as_json)
    return DONE


@as_command(app, "import")
async def suppress_import(
    file: Annotated[
        Path, typer.Argument(help="One value a line, the first column of a CSV, or an export; - is stdin.")
    ],
    kind: OfKind = None,
    country: Country = None,
    why: Why = "",
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Put a whole file on the list, or nothing of it when a line cannot be read."""
    reading = ValueReading(kind or "", tuple(country or ()))
    settings = settings_of(config)
    lines = _lines(file)
    async with _opened(settings, writing=True) as (ledger, list_):
        now = await ledger.scripts.now()
        entries: list[Suppressed] = []
        unread: list[int] = []
        for number, line in lines:
            found = _imported(line, list_, reading, settings, now, why)
            if found:
                entries.append(found)
            elif number > 1 or len(lines) == 1:
                unread.append(number)
        if unread:
            more = f" and {len(unread) - LINES} more" if len(unread) > LINES else ""
            rows = ", ".join(map(str, unread[:LINES]))
            raise ConfigError([f"{file}: no e-mail, phone, profile or domain in line {rows}{more}; nothing was added"])
        new = await list_.add(list({one.hash: one for one in entries}.values()))
    old = len(entries) - new
    report({"added": new, "already": old}, f"{_count(new)} added, {old} already on the list", as_json=as_json)
    return DONE


@as_command(app, "export")
async def suppress_export(config: Config = None) -> int:
    """Write the list to standard output as JSON lines, for an installation with the same REFILL_SECRET_KEY."""
    async with _opened(settings_of(config)) as (_, list_):
        for one in await list_.all():
            sys.stdout.write(escaped(json.dumps(asdict(one) | {"key": list_.check}, ensure_ascii=False)) + "\n")
    return DONE


@asynccontextmanager
async def _opened(settings: Settings, *, writing: bool = False) -> AsyncIterator[tuple[Ledger, Suppressions]]:
    if writing:
        secret_key(settings)  # refuses if there is none
    async with opened_ledger(settings) as ledger:
        yield ledger, suppressions_of(settings, ledger.scripts)


def known(text: str, reading: ValueReading, settings: Settings) -> Handle:
    """Returns the handle that a text gives.

    Raises:
        ConfigError: it gives none, or one that is everybody's.
    """
    found = _read(text, reading, settings)
    if found is None:
        kinds = reading.kind or f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        hint = "; a number needs a + or --country" if reading.kind in {"", "phone"} else ""
        raise ConfigError([f'"{text}" is not a valid {kinds}, or it is everybody\'s{hint}'])
    return found


def _read(text: str, reading: ValueReading, settings: Settings) -> Handle | None:
    regions = tuple(dict.fromkeys(one.default_region for one in settings.crm.values() if one.default_region))
    return read(text.strip(), reading.kind, reading.countries or (regions if len(regions) == 1 else ()))


def entries_of(list_: Suppressions, handles: Iterable[Handle], now: int, why: str) -> list[Suppressed]:
    """Returns the hashes of handles in the list."""
    return [Suppressed(name, one.kind, now, why) for one in dict.fromkeys(handles) for name in list_.hashes([one])]


def named(
    text: str, entries: set[str], list_: Suppressions, reading: ValueReading, settings: Settings
) -> Iterator[str]:
    """Yields the entry that a value or a shortened hash means."""
    same = [one for one in entries if len(text) >= SHOWN and one.startswith(text)]
    if len(same) == 1:
        yield same[0]
    handle = _read(text, reading, settings)
    if handle:
        yield from (name for name in list_.hashes([handle]) if name in entries)


def _lines(file: Path) -> list[tuple[int, str]]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([unreadable(file, error)]) from None
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _imported(
    line: str, list_: Suppressions, reading: ValueReading, settings: Settings, now: int, why: str
) -> Suppressed | None:
    if not line.lstrip().startswith("{"):
        text = next(iter(next(csv.reader([line]), [])), "")
        handle = _read(text, reading, settings) if reading.kind or not text.isalpha() else None  # a heading is a word
        return next(iter(entries_of(list_, [handle], now, why)), None) if handle else None
    try:
        fields = json.loads(line)
        found = Suppressed(str(fields["hash"]), str(fields["kind"]), int(fields["at"]), str(fields.get("why", "")))
    except (ValueError, KeyError, TypeError):
        return None
    if fields.get("key") != list_.check:
        raise ConfigError(["the export was made with another REFILL_SECRET_KEY: its hashes mean nothing here"])
    return found


def _count(number: int) -> str:
    return f"{number} {'value' if number == 1 else 'values'}"
