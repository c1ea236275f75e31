"""E-mail addresses: syntax and the one spelling they are compared in. Nothing is asked of the network."""

from __future__ import annotations

from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from worker.decide.values.domains import host, is_free
from worker.decide.values.text import clean, is_masked


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """The address with its domain in lower-case ASCII; ``""`` when it is masked or none.

    The local part keeps its case: some hosts show it as their people write it. Role accounts such as ``info@`` are
    addresses like any other.
    """
    plain = clean(text).removeprefix("mailto:").strip("<>\"' ;,")
    if is_masked(plain):
        return ""
    try:
        parsed = validate_email(plain, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return ""
    return f"{parsed.local_part}@{parsed.ascii_domain.lower()}"


def key(text: str) -> str:
    """The spelling addresses are compared and asked for by: all lower case; ``""`` when it is none."""
    return normal(text).lower()


def same(one: str, other: str) -> bool:
    """Whether both are the same address; case does not count."""
    return (key(one) or one.strip().lower()) == (key(other) or other.strip().lower())


def domain(text: str) -> str:
    """The host behind the ``@``."""
    return host(normal(text))


def is_personal(text: str) -> bool:
    """Whether the address lives at a free or access provider's host."""
    return is_free(domain(text))
