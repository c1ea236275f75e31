"""Builds SOQL from checked names and quoted values only. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

PAGE = 2000
URI_CAP = 8000  # encoded characters of a query; the server's end is 16,384 bytes with everything else in it
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
_ESCAPES = {"\\": r"\\", "'": r"\'", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def name(text: str) -> str:
    """Returns a field or object name, dotted for a parent's.

    Raises:
        ValueError: it is not; names cannot be quoted, so nothing else may be in their place.
    """
    if not _NAME.fullmatch(text):
        raise ValueError("not a field or object name")
    return text


def quoted(text: str) -> str:
    """Returns a string literal.

    Control characters without an escape of their own do not belong to any value: left out.
    """
    return "'" + "".join(_ESCAPES.get(c, c) for c in text if c in _ESCAPES or c.isprintable() or ord(c) > 159) + "'"


def like(text: str) -> str:
    """Returns a pattern that finds ``text`` anywhere."""
    inner = quoted(text)[1:-1].replace("%", r"\%").replace("_", r"\_")
    return f"'%{inner}%'"


def moment(ms: int) -> str:
    """Returns a datetime literal; never quoted."""
    at = _EPOCH + timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{at.microsecond // 1000:03d}Z" if at.microsecond else "Z")


def literal(text: str, kind: str) -> str:
    """Returns ``text`` as a literal of a field of our ``kind``."""
    if kind == "bool":
        return "true" if text.strip().lower() in {"true", "1", "yes"} else "false"
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", text.strip()):
        return text.strip()
    return quoted(text)


def one_of(field: str, literals: Iterable[str]) -> str:
    """Returns a membership test; of nothing, one that no row passes."""
    listed = ", ".join(dict.fromkeys(literals))
    return f"{name(field)} IN ({listed})" if listed else "Id = null"


def select(fields: Sequence[str], table: str, where: Sequence[str], tail: str = "") -> str:
    """Returns ``SELECT fields FROM table WHERE all of where``."""
    names = ", ".join(dict.fromkeys(name(field) for field in fields))
    query = f"SELECT {names} FROM {name(table)}"  # noqa: S608 - names are checked, values quoted
    query += f" WHERE {' AND '.join(where)}" if where else ""
    return f"{query} {tail}".rstrip()


def beyond(stamp: int, row_id: str) -> str:
    """Returns rows after (``stamp``, ``row_id``) in the order of the poll.

    From ``stamp`` on when no row was seen yet.
    """
    if not row_id:
        return f"SystemModstamp >= {moment(stamp)}"
    at = moment(stamp)
    return f"(SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > {quoted(row_id)}))"


def any_blank(fields: Sequence[str]) -> str:
    """Returns rows with at least one of ``fields`` empty; Salesforce stores empty text as null."""
    return "(" + " OR ".join(f"{name(field)} = null" for field in fields) + ")"


def encoded_length(query: str) -> int:
    """Tells how much of the URI the query takes."""
    return len(quote_plus(query))


def chunked(values: Sequence[str], query: Callable[[Sequence[str]], str], most: int) -> Iterable[list[str]]:
    """Yields ``values`` in parts of at most ``most`` whose query fits a URI."""
    chunk: list[str] = []
    for value in dict.fromkeys(values):
        if chunk and (len(chunk) >= most or encoded_length(query([*chunk, value])) > URI_CAP):
            yield chunk
            chunk = []
        chunk.append(value)
    if chunk:
        yield chunk


def more_path(url: str) -> str:
    """Returns the path of a query's next page below the versioned root, ``""`` unless on the org's own host."""
    match = re.fullmatch(r"/services/data/v\d+\.\d+/(query(?:All)?/[A-Za-z0-9]+-\d+)", url)
    return match[1] if match else ""
