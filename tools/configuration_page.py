"""Writes docs/configuration.md from the settings: every key with its type, default and meaning.

The meaning of a key is the text below its field. It is read from the source, so that no start pays for it.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config import crms, paid
from config.fields import COMPANY_FIELDS, PERSON_FIELDS
from config.settings import Settings
from connectors.addresses import parse_url
from connectors.limits import Window
from connectors.models import Grade
from connectors.registry import PAID

HEAD = """\
# Configuration

Every key of `refill.toml`, with its type, its default and what it means.
[start.md](start.md) shows the few that most people need.

- The file is `./refill.toml`, or what `--config` or `REFILL_CONFIG` names. An unknown key refuses
  the start, and the sentence names the one that is meant.
- Every key is also a variable: `REFILL_` and its path with `__` between the levels, such as
  `REFILL_WEB__PORT`. The environment wins over `.env` beside the file, that over a folder of files
  named like the variables (`REFILL_SECRETS_DIR`), and that over `refill.toml`.
- A **secret** is never written in the file, only in one of the other three places.
- A **duration** is a number and `s`, `m`, `h` or `d`, or the word: `90s`, `5 minutes`, `9 months`.
  A **rate** is calls per window: `10/second`, `190/10 seconds`, or a list of such.

This page is generated from the settings (`make references`).
"""
_TABLE = ("| key | type | default | meaning |", "|---|---|---|---|")
# what config.fields.with_defaults puts in before anything is checked
_FILLED_IN: Mapping[tuple[type, str], str] = {
    (crms.WatchSettings, "fields"): "the four usual ones",
    (crms.WatchSettings, "identity"): "the CRM's usual places",
    (crms.WatchedCompany, "fields"): "the CRM's usual places",
    (crms.WatchedCompany, "identity"): "the CRM's usual places",
    (crms.Rule, "property"): "the CRM's usual place, where it has one",
    (crms.Rule, "accept"): '`["valid"]` for e-mails',
    (crms.CompanyRule, "property"): "the CRM's usual place, where it has one",
}


@dataclass(frozen=True, slots=True)
class Section:
    """Describes one table of the page: the keys that ``owner`` declares, with the defaults of ``tables``."""

    title: str
    owner: type[BaseModel]
    tables: tuple[type[BaseModel], ...]
    note: str = ""


def sections() -> Iterator[Section]:
    """Yields the tables of the file in the order of a configuration."""
    yield Section("At the top", Settings, (Settings,))
    for name, field in Settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and name != "providers":
            yield Section(f"`[{name}]`", inner, (inner,))
    tables = {name: _table(paid.Providers, name) for name in sorted(PAID)}
    both = " and ".join(f"`[providers.{name}]`" for name in tables)
    yield Section(both, paid.Paid, tuple(tables.values()), "A provider without a table is not used.")
    for name, vendor in sorted(PAID.items()):
        yield Section(f"`[providers.{name}]`", vendor.options, (tables[name],))
    yield _whole("`[providers.openprospect]`", paid.OpenProspectSettings)
    yield _whole("`budget = { ... }`", paid.Budget, "Of a provider or a crm; at least one of the two.")
    kinds: tuple[type[BaseModel], ...] = (crms.HubSpotSettings, crms.SalesforceSettings)
    common = next(one for one in kinds[0].__mro__ if one in kinds[1].__mro__ and one.__name__ == "_Crm")
    yield Section("`[crm.NAME]`", common, kinds, "Any number, each by a name of yours.")
    for kind, crm in zip(("HubSpot", "Salesforce"), kinds, strict=True):
        yield _whole(f"`[crm.NAME]` of {kind}", crm)
    watch = _table(crms.SalesforceSettings, "watch")
    yield _whole("`[crm.NAME.watch]`", watch, "A lead is known to Salesforce only.")
    yield _whole("`[crm.NAME.watch.contact]` and `.lead`", crms.WatchSettings)
    yield _whole("`fields.FIELD = { ... }`", crms.Rule, f"FIELD is one of {_list(PERSON_FIELDS)}.")
    yield _whole("`[crm.NAME.watch.company]`", crms.WatchedCompany)
    yield _whole("`fields.FIELD = { ... }` of a company", crms.CompanyRule, f"FIELD is one of {_list(COMPANY_FIELDS)}.")


def text() -> str:
    parts, written = [HEAD], set[tuple[type, str]]()
    for section in sections():
        rows: list[str] = []
        for name, field in section.tables[0].model_fields.items():
            key = (owner_of(section.tables[0], name), name)
            if key[0] in _owners(section) and key not in written and not _has_a_section(section, name):
                written.add(key)
                shown = (
                    f"`{field.alias or name}`",
                    type_of(section, name),
                    default_of(section, name),
                    meaning_of(*key),
                )
                rows.append(f"| {' | '.join(shown)} |")
        note = f"\n{textwrap.fill(section.note, 100)}\n" if section.note else ""
        parts.append("\n".join([f"## {section.title}\n{note}", *_TABLE, *rows]))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def owner_of(table: type[BaseModel], name: str) -> type[BaseModel]:
    """Returns the class that describes a key: the nearest one with a text below the field."""
    models = [one for one in table.__mro__ if issubclass(one, BaseModel)]
    known = [one for one in models if name in inspect.get_annotations(one)]
    return next((one for one in known if name in _texts(one)), known[0])


def meaning_of(owner: type[BaseModel], name: str) -> str:
    """Returns the meaning of a key. Raises: LookupError if there is no text below its field."""
    try:
        return " ".join(_texts(owner)[name].split()).replace("|", "\\|")
    except KeyError:
        raise LookupError(f"{owner.__name__}.{name} has no text below it that says what it means") from None


def type_of(section: Section, name: str) -> str:
    """Returns a key's type in words, or each table's if they differ."""
    return _each(section, name, lambda field: _words(field.annotation, tuple(field.metadata)))


def default_of(section: Section, name: str) -> str:
    """Returns the default of a key, or each table's if they differ."""
    return _FILLED_IN.get((section.owner, name)) or _each(section, name, _shown)


def _each(section: Section, name: str, shown: Callable[[FieldInfo], str]) -> str:
    texts = {one: shown(one.model_fields[name]) for one in section.tables}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{text} ({table.__name__.removesuffix('Settings')})" for table, text in texts.items())


@cache
def _texts(owner: type[BaseModel]) -> Mapping[str, str]:
    module = sys.modules[owner.__module__]
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == owner.__name__:
            return {
                field.target.id: below.value.value
                for field, below in zip(node.body, node.body[1:], strict=False)
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
                if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                if isinstance(below.value.value, str)
            }
    return {}  # composed of its bases by a call


def _owners(section: Section) -> tuple[type[BaseModel], ...]:
    return section.owner.__mro__[:-1] if section.owner in section.tables else (section.owner,)


def _has_a_section(section: Section, name: str) -> bool:
    """Tells whether a key is a table with its own section."""
    return section.owner is Settings and (
        name in {"providers", "crm"} or _is_model(Settings.model_fields[name].annotation)
    )


def _whole(title: str, table: type[BaseModel], note: str = "") -> Section:
    return Section(title, table, (table,), note)


def _table(of: type[BaseModel], name: str) -> type[BaseModel]:
    annotation = of.model_fields[name].annotation
    return next(one for one in (annotation, *get_args(annotation)) if _is_model(one))


def _is_model(one: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(one, type) and issubclass(one, BaseModel)


def _words(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(inner[0], (*metadata, *inner[1:]))
    if any(getattr(one, "func", None) is parse_url for one in metadata):
        return "address"
    if origin is Literal:
        return _list(inner)
    if type(None) in inner:
        (only,) = (one for one in inner if one is not type(None))
        return _words(only, metadata)
    if origin is tuple:
        element = inner[0] if get_origin(inner[0]) is not Annotated else get_args(inner[0])[0]
        if element is Window:
            return "rates"
        return {SecretStr: "secret", Grade: f"list of {_list(Grade)}"}.get(element, "list")
    if origin is not None or _is_model(annotation):
        return "table"
    return _PLAIN[annotation]


_PLAIN: Mapping[type, str] = {
    SecretStr: "secret",
    bool: "true or false",
    float: "number",
    int: "whole number",
    str: "text",
    timedelta: "duration",
    Path: "path",
}


def _shown(field: FieldInfo) -> str:
    return "none: needed" if field.is_required() else _value(field.default)


def _value(value: object) -> str:
    match value:
        case None | "" | () | {}:
            return "unset"
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f"`{_duration(value)}`"
        case tuple():
            return ", ".join(f"`{_window(one)}`" if isinstance(one, Window) else f"`{one}`" for one in value)
        case BaseModel():
            return "unset"
    return f"`{value}`"


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    if not seconds:
        return "off"
    size, unit = next(
        (size, unit) for size, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")) if not seconds % size
    )
    return f"{seconds // size}{unit}"


def _window(window: Window) -> str:
    unit = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}.get(int(window.seconds))
    return f"{window.calls}/{unit or f'{window.seconds:g} seconds'}"


def _list(values: Any) -> str:
    return ", ".join(f"`{value}`" for value in values)
