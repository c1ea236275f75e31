"""Names everything wrong with a configuration, one sentence per problem, with its key and its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_HEADER = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_KINDS = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "mapping_type": "a table",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "path_type": "a text",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "tuple_type": "a list",
}


class ConfigError(Exception):
    """Signals a configuration that cannot be started with; ``problems`` are sentences for the operator."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Origin:
    """Tells where a key was written: a variable of the environment, or a line of the file."""

    file: Path
    text: str = field(repr=False)
    variables: dict[tuple[str, ...], str] = field(default_factory=dict)

    def of(self, path: Sequence[str]) -> str:
        """Returns ``"REFILL_WEB__PORT: "``, ``"refill.toml:12: "``, or ``""`` for a key that was never written."""
        path = tuple(path)
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return f"{self.variables[path[:length]]}: "
        line = self._line(path)
        return f"{self.file.name}:{line}: " if line else ""

    def _line(self, path: tuple[str, ...]) -> int:
        """Returns the line of the key or, when it is not there, of the closest table around it; 0 for none."""
        table: tuple[str, ...] = ()
        best, best_line = 0, 0
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := _HEADER.match(line):
                here = table = _parts(header[1])
            elif key := _KEY.match(line):
                here = (*table, *_parts(key[1]))
            else:
                continue
            if len(here) > best and path[: len(here)] == here:
                best, best_line = len(here), number
        return best_line


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def listed(error: ValidationError, origin: Origin, root: type[BaseModel]) -> list[str]:
    """Returns the sentences for what pydantic found.

    No value is ever part of one, except those that our own checks put there.
    """
    return [_sentence(detail, origin, root) for detail in error.errors(include_url=False, include_input=False)]


def _sentence(detail: ErrorDetails, origin: Origin, root: type[BaseModel]) -> str:
    path = _path(detail)
    key, where = ".".join(path), origin.of(path)
    context: Mapping[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return f"{where}unknown key {key}{_nearest(path, root)}"
        case "literal_error" if detail["loc"][-1] == "[key]":
            known = re.findall("'([^']+)'", str(context["expected"]))
            return f"{where}unknown key {key}{_close(path[-1], known)}"
        case "missing":
            return f"{where}{_missing(path)}"
        case "credential":
            return f"{where}{_credential(path, context)}"
        case "union_tag_not_found":
            return f'{where}{key} has no kind: write kind = "hubspot" or kind = "salesforce"'
        case "union_tag_invalid":
            return f'{where}{key}.kind is neither "hubspot" nor "salesforce"'
        case "string_pattern_mismatch" if detail["loc"][-1] == "[key]":
            return f"{where}{key} is not a valid name for a crm; use small letters, digits and single underscores only"
        case "value_error":
            return f"{where}{key} {_of(str(context['error']))}"
        case kind if kind in _KINDS:
            return f"{where}{key} must be {_KINDS[kind]}"
        case "literal_error" | "enum":
            return f"{where}{key} must be {context['expected']}"
        case "greater_than_equal":
            return f"{where}{key} must be at least {context['ge']}"
        case "greater_than":
            return f"{where}{key} must be more than {context['gt']}"
        case "less_than_equal":
            return f"{where}{key} must be at most {context['le']}"
        case "less_than":
            return f"{where}{key} must be less than {context['lt']}"
        case _:
            return f"{where}{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _of(message: str) -> str:
    """Returns our own sentence: ``is not a valid address`` or ``"x" is not a valid rate``, to follow the key."""
    return f"= {message}" if message.startswith('"') else message


def _path(detail: ErrorDetails) -> tuple[str, ...]:
    loc = detail["loc"]
    if loc[-1:] == ("[key]",) and detail["type"] != "extra_forbidden":
        loc = loc[:-1]  # pydantic's mark of an error about the key itself; an unknown key may be called so, too
    parts = [str(part) for part in loc]
    if len(parts) > 2 and parts[0] == "crm" and parts[2] in {"hubspot", "salesforce"}:
        del parts[2]  # the tag of the union is not a key
    return tuple(parts)


def _missing(path: tuple[str, ...]) -> str:
    key, above = path[-1], ".".join(path[:-1])
    if key == "budget":
        return f"{above} has no budget: a provider that costs credits needs one, such as {{ day = 500, month = 10000 }}"
    if key == "api_key":
        return f"{above} has no API key: set {_variable(path)}"
    if key == "property":
        return f"{above} has no property: this field has no place of its own in that object, so name one"
    return f"{above} lacks {key}"


def _credential(path: tuple[str, ...], context: Mapping[str, Any]) -> str:
    names = " and ".join(_variable((*path, name)) for name in context["missing"])
    instead = context["instead"]
    first = f"{_variable((*path, instead))}, or " if instead else ""
    return f"{'.'.join(path)} has no credential: set {first}{names}"


def _variable(path: Sequence[str]) -> str:
    return "REFILL_" + "__".join(path).upper()


def _nearest(path: tuple[str, ...], root: type[BaseModel]) -> str:
    return _close(path[-1], sorted(_known(path[:-1], root)))


def _close(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def _known(path: tuple[str, ...], root: type[BaseModel]) -> set[str]:
    """Returns the keys that the table at ``path`` may have."""
    models: list[type[BaseModel]] = [root]
    keys = iter(path)
    for key in keys:
        annotations = [
            info.annotation
            for model in models
            for name, info in model.model_fields.items()
            if key in {name, info.alias}
        ]
        models = [model for annotation in annotations for model in _models(annotation)]
        if any(_is_mapping(annotation) for annotation in annotations):
            next(keys, None)  # a name people choose, such as a crm's
    return {info.alias or name for model in models for name, info in model.model_fields.items()}


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _models(inner[0])
    if origin in {Union, UnionType}:
        return [model for one in inner for model in _models(one)]
    return _models(inner[1]) if _is_mapping(annotation) else []


def unreadable(file: Path, error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {file}"
    why = (error.strerror or "it failed").lower() if isinstance(error, OSError) else "it is not UTF-8 text"
    return f"{file} cannot be read: {why}"
