"""Takes personal data and credentials out of a text that is about to be logged."""

from __future__ import annotations

import re
import traceback

from config.plain import shown

HIDDEN = "[hidden]"
_LONGEST = 10_000  # nobody reads more of one line, and patterns are slow

_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]+")
_PROFILE = re.compile(r"(linkedin\.com/[a-z]+/)[^\s\"'<>]+", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>\"'(),;:=/]{1,64}(?:@|%40)[^\s@<>\"'(),;:=/]{1,255}\.[^\W\d_]{2,}", re.IGNORECASE)
_CREDENTIAL = re.compile(
    r"\b(token|api[-_ ]?key|x-api-key|authorization|secret|password)['\"]?\s*[:=]\s*(?:(?:bearer|basic)\s+)?"
    r"['\"]?[\w.~+/=!-]{6,}['\"]?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(bearer|basic)\s+[\w.~+/=!-]{6,}", re.IGNORECASE)
_INTERNATIONAL = re.compile(r"\+\d[\d\s().-]{5,}\d")
_NUMBER = re.compile(r"(?<![\w.])\(?\d[\d ().-]{5,}\d(?![\w])")
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
# Whose messages are written by us, or speak of sockets and servers only.
_SPEAKING = ("connectors", "worker", "config", "sandbox", "redis", "asyncio")


def masked(text: str, *, digits: bool = True) -> str:
    """Returns ``text`` without what looks like an e-mail, a phone number, a profile, a query string or a credential.

    ``digits = False`` leaves numbers without a plus alone: ids are such.
    """
    text = _CREDENTIALS_IN_URL.sub("***@", text[:_LONGEST])
    text = _QUERY.sub(r"\1?***", text)
    text = _PROFILE.sub(r"\1***", text)
    text = _CREDENTIAL.sub(r"\1 ***", text)
    text = _SCHEME.sub(r"\1 ***", text)
    text = _EMAIL.sub("***", text)
    text = _INTERNATIONAL.sub("***", text)
    return _NUMBER.sub(_number, text) if digits else text


def _number(match: re.Match[str]) -> str:
    found = match[0]
    if _IPV4.fullmatch(found) or not 7 <= sum(one.isdigit() for one in found) <= 15:
        return found
    return "***"


def traceback_text(raised: BaseException) -> str:
    """Returns the traceback with its causes, without the messages of classes that may quote a value."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = raised
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        parts.append("".join(traceback.format_tb(current.__traceback__)) + _headline(current))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return masked("\n".join(reversed(parts)))


def _headline(raised: BaseException) -> str:
    kind = type(raised)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(raised, BaseExceptionGroup):
        inner = "\n".join(traceback_text(one) for one in raised.exceptions)
        return f"{name} of {len(raised.exceptions)}:\n{inner}"
    speaks = isinstance(raised, OSError) or kind.__module__.partition(".")[0] in _SPEAKING
    return f"{name}: {shown(str(raised))}" if speaks else name
