"""Reads the SOQL that the sandbox understands into a small tree: no I/O, no rows.

Not understood: child subqueries, GROUP BY, aggregates other than COUNT(), date words such as TODAY.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from sandbox.salesforce.errors import ApiError

MAX_QUERY: Final = 100_000  # characters
MAX_LITERAL: Final = 4_000  # characters of one string

LiteralKind = Literal["string", "number", "boolean", "null", "date", "datetime"]
Operator = Literal["=", "!=", "<", ">", "<=", ">=", "LIKE"]

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<string>'(?:\\.|[^'\\])*')
    | (?P<literal>[+-]?\d[\w:.+\-]*)
    | (?P<name>[A-Za-z_][\w.]*)
    | (?P<mark><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)")


@dataclass(frozen=True, slots=True)
class Value:
    kind: LiteralKind
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Compare:
    path: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    path: str
    values: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    part: "Condition"


Condition = Compare | Among | Both | Either | Negation


@dataclass(frozen=True, slots=True)
class Order:
    path: str
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Holds a query. `paths` is empty for SELECT COUNT()."""

    object: str
    paths: tuple[str, ...]
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    count_only: bool = field(default=False)


def malformed(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", message)


def parse(text: str) -> Query:
    """Reads a query. Raises: ApiError MALFORMED_QUERY."""
    if len(text) > MAX_QUERY:
        raise malformed("SOQL statements cannot be longer than 100000 characters.")
    return _Reader(_tokens(text)).query()


def stamp(moment: datetime) -> str:
    """Returns the one written form of a datetime; in it, text order is time order."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise malformed(f"unexpected token: '{text[at : at + 1]}'")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        self._expect("SELECT")
        paths, count_only = self._selected()
        self._expect("FROM")
        object_name = self._name()
        where = self._either() if self._took("WHERE") else None
        order: list[Order] = []
        if self._took("ORDER"):
            self._expect("BY")
            order.append(self._order())
            while self._took(","):
                order.append(self._order())
        limit = self._whole() if self._took("LIMIT") else None
        offset = self._whole() if self._took("OFFSET") else 0
        if self._at < len(self._tokens):
            raise malformed(f"unexpected token: '{self._tokens[self._at][1]}'")
        return Query(object_name, tuple(paths), where, tuple(order), limit, offset, count_only)

    def _selected(self) -> tuple[list[str], bool]:
        first = self._name()
        if first.upper() == "COUNT" and self._took("("):
            self._expect(")")
            return [], True
        paths = [first]
        while self._took(","):
            paths.append(self._name())
        lowered = [path.lower() for path in paths]
        for path in paths:
            if lowered.count(path.lower()) > 1:
                raise malformed(f"duplicate field selected: {path}")
        return paths, False

    def _order(self) -> Order:
        path = self._name()
        descending = self._took("DESC")
        if not descending:
            self._took("ASC")
        nulls_last = descending
        if self._took("NULLS"):
            nulls_last = self._took("LAST")
            if not nulls_last:
                self._expect("FIRST")
        return Order(path, descending, nulls_last)

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._took("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Condition:
        parts = [self._single()]
        while self._took("AND"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _single(self) -> Condition:
        if self._took("NOT"):
            return Negation(self._single())
        if self._took("("):
            inner = self._either()
            self._expect(")")
            return inner
        path = self._name()
        if self._took("NOT"):
            self._expect("IN")
            return Among(path, self._list(), negated=True)
        if self._took("IN"):
            return Among(path, self._list(), negated=False)
        if self._took("LIKE"):
            value = self._value(like=True)
            if value.kind != "string":
                raise malformed("LIKE needs a string")
            return Compare(path, "LIKE", value)
        kind, mark = self._next()
        if kind != "mark" or mark in "(),":
            raise malformed(f"unexpected token: '{mark}'")
        operator: Operator = "!=" if mark == "<>" else mark  # type: ignore[assignment]  # the six marks are the operators
        return Compare(path, operator, self._value())

    def _list(self) -> tuple[Value, ...]:
        self._expect("(")
        values = [self._value()]
        while self._took(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self, *, like: bool = False) -> Value:
        kind, text = self._next()
        if kind == "string":
            return Value("string", _unescaped(text[1:-1], like=like))
        if kind == "literal":
            return read_literal(text)
        if kind == "name" and text.lower() in {"true", "false"}:
            return Value("boolean", text.lower() == "true")
        if kind == "name" and text.lower() == "null":
            return Value("null", None)
        raise malformed(f"unexpected token: '{text}'")

    def _whole(self) -> int:
        kind, text = self._next()
        if kind != "literal" or not text.isdigit():
            raise malformed(f"unexpected token: '{text}'")
        return int(text)

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise malformed(f"unexpected token: '{text}'")
        return text

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise malformed("unexpected token: '<EOF>'")
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _took(self, word: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        kind, text = self._tokens[self._at]
        if kind not in {"name", "mark"} or text.upper() != word:
            return False
        self._at += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._took(word):
            found = self._tokens[self._at][1] if self._at < len(self._tokens) else "<EOF>"
            raise malformed(f"expecting {word}, found '{found}'")


def _unescaped(text: str, *, like: bool) -> str:
    """Returns the characters meant. In LIKE, an escaped wildcard keeps its backslash for the matcher."""
    if len(text) > MAX_LITERAL:
        raise malformed("string literal is too long")
    out: list[str] = []
    chars = iter(text)
    for char in chars:
        if char != "\\":
            out.append(char)
            continue
        code = next(chars, "")
        if code in "\\'\"":
            out.append("\\\\" if like and code == "\\" else code)
        elif code in _ESCAPES:
            out.append(_ESCAPES[code])
        elif like and code in "%_":
            out.append("\\" + code)
        else:
            raise malformed(f"Illegal string literal: Invalid string escape '\\{code}'")
    return "".join(out)


def read_literal(text: str) -> Value:
    """Reads an unquoted number, date or datetime. Raises: ApiError MALFORMED_QUERY."""
    if match := _DATETIME.fullmatch(text):
        try:
            moment = datetime.fromisoformat(match[1] + (match[2] or "")[:7] + match[3].replace("Z", "+00:00"))
        except ValueError as error:
            raise malformed(f"line 1: no viable alternative at '{text}'") from error
        return Value("datetime", stamp(moment))
    if _DATE.fullmatch(text):
        return Value("date", text)
    try:
        return Value("number", float(text))
    except ValueError as error:
        raise malformed(f"line 1: no viable alternative at '{text}'") from error
